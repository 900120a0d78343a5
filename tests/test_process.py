# SPDX-License-Identifier: MIT
"""Behaviour as a process: forks, threads, affinity, other OpenMP runtimes, signals."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import plait


def run(program: str, timeout: float = 60, **environment: str) -> str:
    """Output of a fresh interpreter; anything but success is an error."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout.strip()


def test_import_leaves_the_environment_as_it_was() -> None:
    program = """
    import os
    before = dict(os.environ)
    import plait
    assert dict(os.environ) == before
    """
    run(program)
    run(program, OMP_WAIT_POLICY="active")


WORK = """
import plait
def work():
    x = plait.randn(400, 400, requires_grad=True)
    y = (x @ x).relu().softmax(1).sum(0).exp().mean()
    y.backward()
    return y.item()
"""


@pytest.mark.tiny
def test_fork_after_compute() -> None:
    """The child computes, too: a pool of threads that did not survive the fork must not be waited for."""
    program = WORK + textwrap.dedent("""
        import os
        plait.set_num_threads(2)
        work()
        children = []
        for _ in range(3):
            pid = os.fork()
            if pid == 0:
                value = work()
                plait.manual_seed(0)
                os._exit(0 if value == value else 1)
            children.append(pid)
        for pid in children:
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        work()
        print("done")
    """)
    assert run(program) == "done"


def test_fork_from_a_thread_while_others_compute() -> None:
    program = WORK + textwrap.dedent("""
        import os, threading
        plait.set_num_threads(2)
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                work()
        threads = [threading.Thread(target=busy) for _ in range(2)]
        for t in threads: t.start()
        for _ in range(40):
            pid = os.fork()
            if pid == 0:
                work()
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        stop.set()
        for t in threads: t.join()
        print("done")
    """)
    assert run(program) == "done"


def test_multiprocessing_pool() -> None:
    program = WORK + textwrap.dedent("""
        import multiprocessing as mp
        work()
        with mp.get_context("fork").Pool(2) as pool:
            assert len(pool.starmap(work, [()] * 6)) == 6
        print("done")
    """)
    assert run(program) == "done"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity masks here")
def test_threads_follow_the_affinity_mask() -> None:
    program = """
        import os
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import plait
        print(plait.get_num_threads())
    """
    environment = {k: "" for k in ("OMP_NUM_THREADS",) if k in os.environ}
    assert run(program, **environment) == "1"


def test_threads_follow_the_environment() -> None:
    assert run("import plait; print(plait.get_num_threads())", OMP_NUM_THREADS="1") == "1"
    assert run("import plait; print(plait.get_num_threads())", OMP_NUM_THREADS="3") == "3"


@pytest.mark.parametrize("order", ["plait, sklearn.cluster", "sklearn.cluster, plait"])
def test_beside_scikit_learn(order: str) -> None:
    """scikit-learn brings an OpenMP runtime of its own."""
    pytest.importorskip("sklearn")
    program = f"""
        import numpy as np
        import {order}
        from sklearn.cluster import KMeans
        for _ in range(3):
            x = plait.randn(300, 50)
            y = (x @ x.T).relu().sum().item()
            KMeans(3, n_init=1, random_state=0).fit(x.numpy())
        assert y == y
        print("done")
    """
    assert run(program) == "done"


def test_import_is_light() -> None:
    """What is optional is imported only when it is used."""
    program = """
        import sys
        import plait
        heavy = {"matplotlib", "sklearn", "scipy", "pandas", "torch", "tqdm", "PIL", "multiprocessing.pool"}
        print(sorted(heavy & set(sys.modules)))
    """
    assert run(program) == "[]"


def test_import_completes_tensors() -> None:
    """Methods are there with `import plait` alone, whatever is imported later."""
    stub = ast.parse((Path(plait.__file__).parent / "_core.pyi").read_text())
    tensor = next(node for node in stub.body if isinstance(node, ast.ClassDef) and node.name == "Tensor")
    names = {node.name for node in tensor.body if isinstance(node, ast.FunctionDef)}
    assert len(names) > 500
    assert run(f"import plait; print([name for name in sorted({names}) if not hasattr(plait.Tensor, name)])") == "[]"


def test_no_output_on_import() -> None:
    assert run("import plait, plait.nn, plait.optim, plait.utils.data") == ""


def test_python_threads_compute_at_once() -> None:
    expected = (plait.ones(200, 200) @ plait.ones(200, 200)).sum().item()
    failures: list[object] = []

    def work() -> None:
        for _ in range(30):
            x = plait.ones(200, 200, requires_grad=True)
            y = (x @ plait.ones(200, 200)).sum()
            y.backward()
            if y.item() != expected or not bool((x.grad == 200).all()):
                failures.append(y)

    workers = [threading.Thread(target=work) for _ in range(6)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not failures


def test_kernels_release_the_gil() -> None:
    """Another Python thread runs while a long product is computed."""
    ticks = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    watcher = threading.Thread(target=tick)
    x = plait.randn(1200, 1200)
    watcher.start()
    begin = time.perf_counter()
    for _ in range(3):
        x @ x
    end = time.perf_counter()
    stop.set()
    watcher.join()
    assert sum(begin < t < end for t in ticks) >= 3


def test_interrupt() -> None:
    """Ctrl-C in a loop of small ops becomes KeyboardInterrupt."""
    program = WORK + textwrap.dedent("""
        print("ready", flush=True)
        try:
            while True:
                work()
        except KeyboardInterrupt:
            print("interrupted")
    """)
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "ready"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=20)[0].strip() == "interrupted"


def test_memory_error_leaves_the_process_usable() -> None:
    for _ in range(3):
        with pytest.raises((MemoryError, RuntimeError)):
            plait.ones(2**48)
    assert (plait.ones(3) + 1).tolist() == [2.0, 2.0, 2.0]


def test_exit_with_live_objects() -> None:
    """Tensors, graphs and threads alive at exit do no harm."""
    program = WORK + textwrap.dedent("""
        kept = [plait.randn(100, 100, requires_grad=True) for _ in range(10)]
        graph = sum((k @ k).sum() for k in kept)
        graph.backward(retain_graph=True)
        class Holder: pass
        h = Holder(); h.self = h; h.t = graph
        import builtins; builtins.held = h
        print("done")
    """)
    assert run(program) == "done"


def test_show_config() -> None:
    text = plait.show_config() if not hasattr(plait, "__config__") else plait.__config__.show()
    assert isinstance(text, str) and text
