# SPDX-License-Identifier: MIT
"""plait under the name torch: in a program, in a process, in an environment; each case in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import pytest

import plait

ROOT = Path(plait.__file__).parent.parent  # where plait and the import hook are
pytestmark = pytest.mark.skipif(not (ROOT / "_plait_torch.py").exists(), reason="plait was installed without the hook")


def run(*command: str, code: int = 0, python: str = sys.executable, **env: str) -> str:
    clean = {k: v for k, v in os.environ.items() if k != "PLAIT_AS_TORCH"} | {"PYTHONPATH": str(ROOT), **env}
    done = subprocess.run([python, *command], capture_output=True, text=True, env=clean, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def run_torch(code: str) -> str:
    return run("-c", "import plait.compat; plait.compat.install()\n" + textwrap.dedent(code))


def test_names() -> None:
    out = run_torch("""
        import torch, torch.nn as nn, torch.nn.functional as F
        from torch.utils.data import DataLoader, TensorDataset
        from torch.optim.lr_scheduler import StepLR
        import plait
        assert torch.nn is plait.nn and torch.Tensor is plait.Tensor and torch.relu is plait.relu
        assert isinstance(nn.Linear(1, 1), plait.nn.Linear) and F.relu is plait.nn.functional.relu
        print(torch.float32, torch.zeros(2, 3).shape, nn.Linear, torch.Tensor, torch.zeros(2).type(), torch.strided)
        print(DataLoader.__module__, torch.optim.Adam.__module__, torch.distributions.Normal.__module__)
    """)
    assert out.splitlines() == [
        "torch.float32 torch.Size([2, 3]) <class 'torch.nn.modules.linear.Linear'> <class 'torch.Tensor'> "
        "torch.FloatTensor torch.strided",
        "torch.utils.data.dataloader torch.optim.adam torch.distributions.normal",
    ]


def test_traced_functions_call_torch() -> None:
    out = run_torch("""
        import pickle, sys, torch
        assert "torch.fx" not in sys.modules and "plait.fx" not in sys.modules
        torch.fx.wrap("len")
        traced = torch.fx.symbolic_trace(lambda x: torch.relu(x) * len(x))
        assert torch.fx.GraphModule.__module__ == "torch.fx.graph_module"
        print(traced.code.strip())
        assert torch.equal(pickle.loads(pickle.dumps(traced))(torch.ones(3)), torch.ones(3) * 3)
        assert len(list(torch.fx.symbolic_trace(traced).graph.nodes)) == 5
    """)
    assert out.splitlines() == [
        'torch.fx._symbolic_trace.wrap("len")',
        "",
        "def forward(self, x):",
        "    relu = torch.relu(x)",
        "    len_1 = len(x);  x = None",
        "    mul = relu * len_1;  relu = len_1 = None",
        "    return mul",
    ]


def test_version() -> None:
    run_torch("""
        import importlib.metadata, torch
        v = torch.__version__
        assert v == "2.13.0+plait" and v >= "2.8" and v >= (2, 4) and v < "3" and not v < "2.13.0" and v != "2.13.1"
        assert v > "2.13.0rc1" and hash(v) == hash(str(v)) and not v == "something"
        assert torch.version.cuda is None and torch.version.plait and torch.torch_version.TorchVersion("1.10") > "1.9"
        assert importlib.metadata.version("torch") == v
        assert importlib.metadata.packages_distributions
    """)


def test_what_is_missing_is_missing() -> None:
    run_torch("""
        import torch, importlib.util
        for name in ("no_such_op", "_private", "nn.NoSuchLayer", "compile_nothing"):
            place, _, last = ("torch." + name).rpartition(".")
            assert not hasattr(eval(place), last), name
        assert importlib.util.find_spec("torch.no_such_module") is None
        try:
            import torch.no_such_module
        except ModuleNotFoundError as error:
            assert error.name == "torch.no_such_module"
        else:
            raise AssertionError
        assert not torch.cuda.is_available() and torch.accelerator.current_accelerator() is None
        assert not torch.compiler.is_compiling() and not torch.distributed.is_initialized()
        for make in (lambda: torch.cuda.Stream(), lambda: torch.SymInt(), lambda: torch.distributed.get_rank()):
            try:
                make()
            except (RuntimeError, TypeError):
                continue
            raise AssertionError
    """)


def test_pickles() -> None:
    run_torch("""
        import pickle, torch
        from torch import nn
        model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        copies = pickle.loads(pickle.dumps([model, torch.ones(2), torch.float64, torch.Size([3]), torch.strided]))
        assert b"torch.nn.modules.linear" in pickle.dumps(model)
        assert torch.equal(copies[0][0].weight, model[0].weight) and copies[2] is torch.float64
    """)


def test_plait_alone_is_not_touched() -> None:
    run("-c", "import plait, sys; assert 'torch' not in sys.modules and 'plait.compat' not in sys.modules")
    assert "No module named 'torch'" in run("-S", "-c", "import torch", code=1)


# Every module that these imports may load; what not every program uses is imported when it is used.
PLAIT = {
    "plait",
    *(f"plait.{name}" for name in ("_arguments", "_autocast", "_boot", "_docstrings", "_functions", "_hooks")),
    *(f"plait.{name}" for name in ("_layouts", "_products", "_runtime", "_signatures", "_storage", "_tensor")),
    *(f"plait.{name}" for name in ("random", "version")),
    *(f"plait.autograd{name}" for name in ("", ".grad_mode", ".gradcheck", ".run")),
    *(f"plait._core{name}" for name in ("", "._fft", "._linalg", "._nn", "._ops", "._special")),
}
COMPAT = {"plait.compat", *(f"plait.compat.{name}" for name in ("_foreach", "_modules", "_names"))}
TORCH = {"torch", "torch.__config__", "torch.torch_version"}
TORCH |= {"torch.autograd.grad_mode", "torch.autograd.gradcheck", "torch.autograd.run", "torch.random"}  # plait's


def test_imports_are_few() -> None:
    loaded = 'import sys; print(*(name for name in sys.modules if name.split(".")[0] in ("plait", "torch")))'
    assert set(run("-c", f"import plait; {loaded}").split()) == PLAIT
    out = run("-c", f"import plait.compat; plait.compat.install(); import torch; {loaded}")
    assert set(out.split()) == PLAIT | COMPAT | TORCH


def test_modules_load_when_they_are_used() -> None:
    run_torch("""
        import sys, torch
        assert hasattr(torch, "nn") and {"nn", "optim", "utils", "Future", "ScriptModule"} <= set(dir(torch))
        import plait
        assert torch.nn is sys.modules["torch.nn"] is plait.nn
        assert not issubclass(torch.nn.Linear, torch.jit.ScriptModule)
        assert torch.jit.ScriptModule is torch.ScriptModule and torch.futures.Future is torch.Future
        assert torch.utils.hooks.RemovableHandle and torch.utils.data.DataLoader and torch.utils.checkpoint.checkpoint
        assert torch.optim.lr_scheduler.StepLR.__module__ == "torch.optim.lr_scheduler"
        assert torch.autograd.Function.__module__ == "torch.autograd.function" and torch.autograd.graph.save_on_cpu
        assert torch.autograd.functional.jacobian and callable(torch.autograd.gradcheck)
    """)
    # Plait's own imports come before torch's, or between them.
    run_torch("""
        import pickle, sys, plait.nn, torch, plait.optim
        names = [plait.nn.Linear.__module__, plait.optim.SGD.__module__, plait.Tensor.__module__]
        assert names == ["torch.nn.modules.linear", "torch.optim.sgd", "torch"], names
        assert sys.modules["torch.optim.sgd"] is plait.optim.sgd
        assert b"plait" not in pickle.dumps(plait.nn.Linear)
    """)


def test_install_comes_before_pytorch(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("__version__ = '2.9.0'\n")
    program = "import torch\nimport plait.compat\nplait.compat.install()"
    out = run("-c", program, code=1, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert "PyTorch 2.9.0 is already imported" in out and "hint: call install() before" in out
    program = "import plait.compat\nplait.compat.install()\nimport torch; print(torch.__version__)"
    out = run("-c", program, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert out == "2.13.0+plait\nplait: PyTorch is installed here too; in this process torch is plait\n"


def test_program(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, torch, helper\n"
        "if __name__ == '__main__':\n"
        "    print(torch.__version__, sys.argv[1:], helper.name, __file__ == sys.argv[0])\n"
    )
    (tmp_path / "helper.py").write_text("name = __name__\n")
    out = run("-m", "plait", str(program), "--lr", "0.1")
    assert out == "2.13.0+plait ['--lr', '0.1'] helper True\n"
    assert "usage: python -m plait" in run("-m", "plait", code=2)
    assert "there is no file 'nowhere.py'" in run("-m", "plait", "nowhere.py", code=2)
    out = run("-m", "plait", "-m", "helper", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert out == ""


def test_backend_of_packages(tmp_path: Path) -> None:
    """Packages with several backends ask the environment: they get torch unless the user has named another."""
    program = tmp_path / "program.py"
    program.write_text("import os; print(os.environ['KERAS_BACKEND'])\n")
    env = {k: v for k, v in os.environ.items() if k not in ("PLAIT_AS_TORCH", "KERAS_BACKEND")}
    env["PYTHONPATH"] = str(ROOT)
    for chosen, expected in (({}, "torch"), ({"KERAS_BACKEND": "jax"}, "jax")):
        command = [sys.executable, "-m", "plait", str(program)]
        assert subprocess.run(command, env=env | chosen, capture_output=True, text=True).stdout.strip() == expected


def test_child_processes(tmp_path: Path) -> None:
    """Processes started by spawn, and interpreters of their own, find the hook through the environment."""
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
        import multiprocessing as mp, subprocess, sys, torch

        def square(x):
            return (x ** 2).sum().item()

        if __name__ == "__main__":
            with mp.get_context("spawn").Pool(1) as pool:
                print(pool.map(square, [torch.arange(3.0)]))
            sys.stdout.flush()
            subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__)"], check=True)
        """)
    )
    (tmp_path / "sitecustomize.py").write_text((ROOT / "plait_torch.pth").read_text())  # what a site folder does
    out = run("-m", "plait", str(program), PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert out == "[5.0]\n2.13.0+plait\n"


def test_environment(tmp_path: Path) -> None:
    """adopt, what pip and importlib.metadata say, release; a folder with PyTorch is left alone."""
    venv.create(tmp_path / "env", symlinks=True, with_pip=False, system_site_packages=False)
    python = str(tmp_path / "env" / "bin" / "python")
    [site] = (tmp_path / "env" / "lib").glob("python*/site-packages")
    numpy = str(Path(__import__("numpy").__file__).parent.parent)
    env = {"PYTHONPATH": f"{ROOT}:{numpy}", "python": python}
    before = sorted(p.name for p in site.rglob("*"))
    assert "there is no torch" in run("-m", "plait.compat", "status", **env)
    assert "torch 2.13.0+plait is plait in" in run("-m", "plait.compat", "adopt", **env)
    assert "torch 2.13.0+plait is plait in" in run("-m", "plait.compat", "adopt", **env)
    program = "import torch, torch.nn as nn; print(torch.__version__, nn.Linear(1, 2))"
    assert run("-c", program, **env) == "2.13.0+plait Linear(in_features=1, out_features=2, bias=True)\n"
    asked = "import importlib.metadata as m; print(m.version('torch'), m.requires('torch'), m.files('torch')[0])"
    assert run("-c", asked, **env) == "2.13.0+plait ['plait'] torch/__init__.py\n"
    assert "torch is released" in run("-m", "plait.compat", "release", **env)
    assert sorted(p.name for p in site.rglob("*")) == before
    assert "nothing to release" in run("-m", "plait.compat", "release", **env)
    (site / "torch").mkdir()
    (site / "torch" / "__init__.py").write_text("__version__ = '2.9.0'\n")
    assert "PyTorch (without metadata) is installed" in run("-m", "plait.compat", "adopt", code=1, **env)
    assert "nothing to release" in run("-m", "plait.compat", "release", **env)
    assert (site / "torch" / "__init__.py").exists()
    assert "usage:" in run("-m", "plait.compat", "steal", code=2, **env)


def test_tensorflow_is_keras_alone(tmp_path: Path) -> None:
    """A stand-in for Keras: ``tensorflow.keras`` is it; packages that look for TensorFlow do not find it."""
    package = tmp_path / "keras"
    (package / "src" / "utils").mkdir(parents=True)
    for folder in (package, package / "src", package / "src" / "utils"):
        (folder / "__init__.py").write_text("")
    (package / "layers.py").write_text("class Dense: pass\n")
    (package / "src" / "utils" / "module_utils.py").write_text(
        "class _Lazy:\n"
        "    @property\n"
        "    def available(self):\n"
        "        try:\n"
        "            import tensorflow\n"
        "        except ImportError:\n"
        "            self.found = False\n"
        "        return self.found\n"
        "    found = True\n"
        "tensorflow = _Lazy()\n"
    )
    program = textwrap.dedent("""
        import plait.compat; plait.compat.install()
        import tensorflow as tf, keras, os
        from tensorflow.keras.layers import Dense
        from keras.src.utils.module_utils import tensorflow as asked
        assert tf.keras is keras and Dense is keras.layers.Dense and os.environ["KERAS_BACKEND"] == "torch"
        assert asked.found is False
        try:
            tf.constant(1)
        except AttributeError as error:
            print(error)
    """)
    out = run("-c", program, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert "plait answers to `tensorflow` with Keras alone\nhint: tf.keras is there" in out


def test_summaries_of_tensorflow(tmp_path: Path) -> None:
    """A package that asks for ``tensorflow.summary`` gets it; one that only asks for TensorFlow still does not."""
    site = tmp_path / "site-packages"
    (site / "keras" / "src" / "utils").mkdir(parents=True)
    for folder in ("keras", "keras/src", "keras/src/utils"):
        (site / folder / "__init__.py").write_text("")
    (site / "keras" / "src" / "utils" / "module_utils.py").write_text("class tensorflow: available = False\n")
    (site / "probe.py").write_text("import tensorflow\n")
    (site / "writes.py").write_text(
        "import tensorflow.summary as summary\nfrom tensorflow.compat.v1 import SummaryMetadata\n"
    )
    program = textwrap.dedent(f"""
        import plait.compat; plait.compat.install()
        try:
            import probe
        except ModuleNotFoundError as error:
            assert error.name == "tensorflow"
        else:
            raise AssertionError
        import writes, torch, numpy as np, pathlib
        s = writes.summary
        assert not s.scalar("loss", 1.0, 0) and not s.should_record_summaries()
        writer = s.create_file_writer({str(tmp_path / "log")!r})
        with writer.as_default(step=2), s.record_if(lambda: True):
            assert s.scalar("loss", torch.ones((), requires_grad=True)) and s.experimental.get_step() == 2
            assert s.histogram("weights", np.arange(5.0)) and s.text("words", "hello", step=torch.tensor(3))
            assert s.image("pictures", np.zeros((2, 4, 5, 3), np.uint8))
            metadata = writes.SummaryMetadata()
            metadata.plugin_data.plugin_name = "of_mine"
            assert s.write("config", "{{}}", metadata=metadata)
            with s.record_if(False):
                assert not s.scalar("hidden", 1.0)
        with writer.as_default():
            try:
                s.scalar("loss", 1.0)
            except ValueError as error:
                assert "expected a step" in str(error)
            else:
                raise AssertionError
        writer.close()
        (file,) = pathlib.Path({str(tmp_path / "log")!r}).glob("events.out.tfevents.*.v2")
        data = file.read_bytes()
        for text in (b"loss", b"weights", b"hello", b"pictures/1", b"of_mine"):
            assert text in data, text
        assert b"hidden" not in data
    """)
    run("-c", program, PYTHONPATH=f"{site}:{ROOT}")


def test_operators_of_programs() -> None:
    run_torch("""
        import torch
        from torch.library import Library, custom_op, register_autograd

        @custom_op("mine::scaled_sin", mutates_args=())
        def scaled_sin(x: torch.Tensor, scale: float = 2.0) -> torch.Tensor:
            return scale * x.sin()

        x = torch.tensor([0.5], requires_grad=True)
        y = scaled_sin(x)
        try:
            y.backward()
        except RuntimeError as error:
            assert "no derivative is registered" in str(error)
        else:
            raise AssertionError

        def setup(ctx, inputs, output):
            ctx.save_for_backward(inputs[0])
            ctx.scale = inputs[1]

        def backward(ctx, g):
            return g * ctx.scale * ctx.saved_tensors[0].cos(), None

        scaled_sin.register_autograd(backward, setup_context=setup)
        torch.ops.mine.scaled_sin(x, 3.0).sum().backward()
        torch.testing.assert_close(x.grad, 3 * x.detach().cos())

        lib = Library("other", "DEF")
        lib.define("twice(Tensor x, *, int n=2) -> Tensor")
        lib.impl("twice", lambda x, *, n: x * n, "CompositeImplicitAutograd")
        assert torch.ops.other.twice(torch.ones(1), n=5).item() == 5
        assert torch.ops.other.twice.default(torch.ones(1)).item() == 2
        assert not hasattr(torch.ops.other, "thrice")
        assert torch.ops.aten.add.Tensor(torch.ones(1), 1).item() == 2
    """)


def test_operators_of_libraries(tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    for name in ("torchvision/_C.so", "torchvision/_C_stable.so", "libmine.so"):
        (tmp_path / name).touch()
    run_torch(f"""
        import torch
        from pathlib import Path

        for file, text in (("none.so", "no file"), ("libmine.so", "no operators mine::*")):
            try:
                torch.ops.load_library(Path({str(tmp_path)!r}) / file)
            except OSError as error:
                assert text in str(error), error
            else:
                raise AssertionError(file)
        torch.ops.load_library({str(tmp_path / "torchvision" / "_C.so")!r})
        torch.ops.load_library({str(tmp_path / "torchvision" / "_C_stable.so")!r})
        assert len(torch.ops.loaded_libraries) == 2

        boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 1.9], [5, 5, 6, 6]])
        scores = torch.tensor([0.5, 0.9, 0.1])
        assert torch.ops.torchvision.nms(boxes, scores, iou_threshold=0.5).tolist() == [1, 2]
        assert torch.ops.torchvision.nms.default(boxes, scores, 0.5).tolist() == [1, 2]
        assert not hasattr(torch.ops.torchvision, "none")
        x = torch.ones(1, 1, 4, 4, requires_grad=True)
        regions = torch.tensor([[0.0, 0, 0, 2, 2]])
        torch.ops.torchvision.roi_align(x, regions, 1.0, 1, 1, 2, False).sum().backward()
        assert x.grad.sum().item() == 1

        # What a package registers for an operator comes before plait's own.
        torch.library.register_fake("torchvision::nms", lambda *args: None)
        calls = []

        def backward(ctx, g):
            calls.append(g)
            return g.new_ones(1, 1, 4, 4), None, None, None, None, None, None

        torch.library.register_autograd("torchvision::roi_align", backward)
        torch.ops.torchvision.roi_align(x, regions, 1.0, 1, 1, 2, False).sum().backward()
        assert len(calls) == 1 and x.grad.sum().item() == 17

        lib = torch.library.Library("torchvision", "IMPL")
        keys = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCPU)

        def in_autocast(boxes, scores, iou_threshold):
            with torch._C._ExcludeDispatchKeyGuard(keys):
                return torch.ops.torchvision.nms(boxes.float(), scores.float(), iou_threshold) + 10

        lib.impl("nms", in_autocast, "AutocastCPU")
        assert torch.ops.torchvision.nms(boxes, scores, 0.5).tolist() == [1, 2]
        with torch.autocast("cpu"):
            assert torch.ops.torchvision.nms(boxes.bfloat16(), scores, 0.5).tolist() == [11, 12]
    """)


def test_modules_that_are_there_without_an_import() -> None:
    run_torch("""
        import torch
        import plait

        assert torch.nn is plait.nn
        x, y = torch.tensor([1.0, -2.0]), torch.tensor([1.0, 1.0])
        watched = torch.nn.quantized.FloatFunctional()
        assert type(watched) is torch.ao.nn.quantized.FloatFunctional
        assert watched.add_relu(x, y).tolist() == [2, 0] and watched.cat([x, y], 0).shape == (4,)
        assert watched.mul_scalar(x, 2.0).tolist() == [2, -4]
        assert torch.nn.attention.SDPBackend.MATH is not None
        assert not hasattr(torch.nn, "none") and not hasattr(torch.nn, "_none")
        try:
            import torch.nn.none
        except ImportError:
            pass
        else:
            raise AssertionError
    """)


def test_foreach() -> None:
    run_torch("""
        import torch
        a, b = [torch.ones(2), torch.full((3,), 2.0)], [torch.full((2,), 3.0), torch.full((3,), 4.0)]
        assert [t.tolist() for t in torch._foreach_add(a, b, alpha=2)] == [[7, 7], [10, 10, 10]]
        torch._foreach_mul_(a, 3)
        torch._foreach_addcmul_(a, b, b, 0.5)
        assert [t.tolist() for t in a] == [[7.5, 7.5], [14, 14, 14]]
        assert [t.item() for t in torch._foreach_norm([torch.tensor([3.0, 4.0])])] == [5]
        torch._foreach_maximum_(a, b)
        torch._foreach_addcdiv_(a, b, b, torch.tensor([0.5, 1.0]))
        torch._foreach_lerp_(a, b, 0.5)
        assert [t.tolist() for t in a] == [[5.5, 5.5], [9.5, 9.5, 9.5]], a
        assert [t.item() for t in torch._foreach_mul([torch.ones(1)] * 2, [2, 3])] == [2, 3]
        assert [t.tolist() for t in torch._foreach_minimum(a, 6.0)] == [[5.5, 5.5], [6, 6, 6]]
        assert torch._foreach_add([], 1) == [] and torch._foreach_sqrt_(a) is None
        for wrong in (b[:1], torch.ones(3)):
            try:
                torch._foreach_add(a, wrong)
            except RuntimeError as error:
                assert f"lists of one length, got 2 tensors and {len(wrong)} operands" in str(error)
            else:
                raise AssertionError
    """)


def test_trees() -> None:
    run_torch("""
        import collections, torch
        from torch.utils import _pytree as pytree
        Point = collections.namedtuple("Point", "x y")
        tree = {"a": [1, (2, None)], "b": Point(3, {"c": 4}), "d": collections.OrderedDict(e=5)}
        leaves, spec = pytree.tree_flatten(tree)
        assert leaves == [1, 2, None, 3, 4, 5] and spec.num_leaves == 6
        assert pytree.tree_unflatten(leaves, spec) == tree
        assert pytree.tree_map(lambda x, y: (x or 0) + (y or 0), tree, tree)["b"] == Point(6, {"c": 8})
        assert pytree.tree_map_only(int, lambda x: -x, tree)["a"] == [-1, (-2, None)]
        assert pytree.keystr(pytree.tree_leaves_with_path(tree)[4][0]) == "['b'][1]['c']"
        other = collections.defaultdict(list, b=2, a=1)
        assert pytree.tree_map(lambda x, y: x + y, {"a": 1, "b": 2}, other) == {"a": 2, "b": 4}
        assert pytree.tree_map(max, collections.deque([1]), collections.deque([2], maxlen=3))[0] == 2
        unlike = ([1, 2], [1]), ([1, 2], {"a": 1, "b": 2}), ({"a": 1}, {"b": 1}), (Point(1, 2), (1, 2)), ([1], None)
        for a, b in unlike:
            for pair in ((a, b), (b, a)):
                if pair[0] is not None:
                    try:
                        raise AssertionError(pytree.tree_map(max, *pair))
                    except ValueError:
                        pass
        try:
            spec.unflatten([1])
        except ValueError:
            pass
        else:
            raise AssertionError
    """)


def test_profile() -> None:
    run_torch("""
        import json, tempfile, torch
        from torch.profiler import ProfilerActivity, profile, record_function, schedule
        model = torch.nn.Linear(4, 2)
        with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as p:
            with record_function("step"):
                model(torch.ones(3, 4)).sum().backward()
        names = [event.name for event in p.events()]
        assert names[0] == "step" and {"linear", "sum", "backward"} <= set(names)
        table = p.key_averages().table(sort_by="cpu_time_total", row_limit=2)
        assert "step" in table and "Self CPU time total" in table
        with tempfile.NamedTemporaryFile() as file:
            p.export_chrome_trace(file.name)
            trace = json.load(open(file.name))["traceEvents"]
        assert [e["args"].get("Input Dims") for e in trace if e["name"] == "linear"][0][0] == [3, 4]
        ready = []
        with profile(schedule=schedule(wait=1, warmup=1, active=2, repeat=1), on_trace_ready=ready.append) as p:
            for _ in range(6):
                torch.ones(2) + 1
                p.step()
        assert len(ready) == 1 and len([e for e in p.events() if e.name == "add"]) == 2
    """)


def test_flexible_attention() -> None:
    run_torch("""
        import torch
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention
        q, k, v = (torch.randn(2, 3, 5, 4) for _ in range(3))
        causal = create_block_mask(lambda b, h, i, j: i >= j, None, None, 5, 5)
        expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        torch.testing.assert_close(flex_attention(q, k, v, block_mask=causal), expected)
        near = flex_attention(q, k, v, score_mod=lambda s, b, h, i, j: s - (i - j).abs())
        scores = q @ k.mT / 2 - (torch.arange(5)[:, None] - torch.arange(5)).abs()
        torch.testing.assert_close(near, scores.softmax(-1) @ v)
    """)


def test_iterators_of_objects_that_stand_for_loaders() -> None:
    out = run_torch("""
        import multiprocessing, torch
        from torch.utils.data import DataLoader, TensorDataset, get_worker_info
        from torch.utils.data import dataloader as m

        class Fake:
            _auto_collation, collate_fn, drop_last, generator = False, staticmethod(lambda x: x), False, None
            _dataset_kind, prefetch_factor, persistent_workers, timeout = m._DatasetKind.Iterable, 2, False, 0
            worker_init_fn, mark, multiprocessing_context = None, "mark", None
            def __init__(self, workers):
                self.dataset, self.num_workers = self, workers
                self.multiprocessing_context = multiprocessing if workers else None
            def __iter__(self):
                info = get_worker_info()
                yield from [(i, info is not None and info.dataset.mark) for i in range(2)]

        print(list(m._SingleProcessDataLoaderIter(Fake(0))), list(m._MultiProcessingDataLoaderIter(Fake(1))))
        loader = DataLoader(TensorDataset(torch.arange(4)), batch_size=2)
        assert isinstance(iter(loader), m._BaseDataLoaderIter)
        print([x.tolist() for (x,) in m._SingleProcessDataLoaderIter(loader)])
    """)
    assert out.splitlines() == ["[(0, False), (1, False)] [(0, 'mark'), (1, 'mark')]", "[[0, 1], [2, 3]]"]


def test_tensors_put_together() -> None:
    out = run_torch("""
        import torch, torch._utils as u
        parts = [torch.arange(3.0), torch.ones(2, 2)]
        flat = u._flatten_dense_tensors(parts)
        assert all(torch.equal(a, b) for a, b in zip(parts, u._unflatten_dense_tensors(flat, parts)))
        print(u._element_size(torch.bfloat16))
    """)
    assert out.strip() == "2"


def test_a_group_of_one_process() -> None:
    out = run_torch("""
        import torch, torch.distributed as dist
        from torch.distributed.nn.functional import all_reduce
        from torch.distributed.distributed_c10d import _get_default_group
        from torch.nn.parallel import DistributedDataParallel as DDP
        dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
        model = DDP(torch.nn.Linear(2, 1))
        model(torch.ones(1, 2)).sum().backward()
        dist.all_reduce(model.module.weight.grad)
        x = torch.ones(1, requires_grad=True)
        all_reduce(x).backward()
        rank = dist.get_rank(_get_default_group())
        print(model.module.weight.grad.tolist(), x.grad.tolist(), rank, dist.Backend.GLOO)
        dist.destroy_process_group()
        try:
            dist.init_process_group("gloo", rank=0, world_size=2, store=dist.HashStore())
        except NotImplementedError as error:
            print(error)
    """)
    assert out.splitlines() == [
        "[[1.0, 1.0]] [1.0] 0 gloo",
        "init_process_group: expected world_size=1, got 2; groups of several are not there yet",
    ]


def test_an_optimizer_for_several_processes() -> None:
    out = run_torch("""
        import torch
        from torch.distributed.optim import ZeroRedundancyOptimizer

        def train(make):
            w = torch.nn.Parameter(torch.ones(3))
            optimizer = make([w])
            schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
            for _ in range(3):
                optimizer.zero_grad()
                (w * w).sum().backward()
                optimizer.step()
                schedule.step()
            return w.tolist(), optimizer.state_dict()["param_groups"][0]["lr"], len(optimizer.state)

        shared = train(lambda p: ZeroRedundancyOptimizer(p, torch.optim.Adam, lr=0.1))
        assert shared == train(lambda p: torch.optim.Adam(p, lr=0.1)), shared
        o = ZeroRedundancyOptimizer([torch.nn.Parameter(torch.ones(1))], torch.optim.SGD, lr=0.1)
        o.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 1.0})
        o.consolidate_state_dict()
        print([g["lr"] for g in o.param_groups])
    """)
    assert out.strip() == "[0.1, 1.0]"


def test_exported_programs() -> None:
    out = run_torch("""
        import torch

        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = torch.nn.Linear(3, 2)
                self.register_buffer("shift", torch.ones(2))
            def forward(self, x, y=None, scale=1.0):
                z = self.linear(x) * scale + self.shift
                return z if y is None else {"z": z, "y": y}

        net, x = Net(), torch.randn(5, 3)
        shapes = {"x": {0: torch.export.Dim("n", min=1)}}
        program = torch.export.export(net, (x[:1],), dynamic_shapes=shapes)
        assert isinstance(program, torch.export.ExportedProgram)
        assert torch.equal(program.module()(x), net(x))
        signature = program.graph_signature
        print(signature.parameters, signature.buffers, signature.user_inputs, len(signature.user_outputs))
        program = torch.export.export(net, (x[:1],), {"y": x, "scale": 2.0})
        assert torch.equal(program.module()(x, y=x)["z"], net(x, scale=2.0))
        for call in (lambda: torch.export.save(program, "x.pt2"), lambda: program(x)):
            try:
                call()
            except RuntimeError as error:
                print(str(error).split(":")[0])
    """)
    assert out.splitlines() == [
        "('linear.weight', 'linear.bias') ('shift',) ('x',) 1",
        "torch.export.save",
        "ExportedProgram",
    ]


def test_flop_counter() -> None:
    run_torch("""
        import torch, torch.nn as nn, torch.nn.functional as F
        from torch.utils.flop_counter import FlopCounterMode

        def count(call, *args):
            with FlopCounterMode(display=False) as counter:
                call(*args)
            return counter.get_total_flops()

        one = torch.ones
        assert count(nn.Linear(8, 4), one(3, 8)) == 2 * 3 * 8 * 4
        assert count(nn.Conv2d(4, 8, 3, groups=2), one(2, 4, 10, 10)) == 2 * 2 * 8 * 64 * 2 * 9
        assert count(nn.ConvTranspose2d(3, 8, 3), one(2, 3, 10, 10)) == 2 * 2 * 3 * 100 * 8 * 9
        assert count(torch.baddbmm, one(2, 3, 5), one(2, 3, 4), one(2, 4, 5)) == 240
        assert count(torch.einsum, "bij,bjk->bik", one(2, 3, 4), one(2, 4, 5)) == 240
        assert count(nn.MultiheadAttention(8, 2), *[one(3, 2, 8)] * 3) == 3648
        net = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
        with FlopCounterMode(display=False) as counter:
            net(one(3, 8)).sum().backward()
        assert counter.get_total_flops() == 192 + 48 + 192 + 2 * 48  # the first operand has no gradient
        assert sum(counter.get_flop_counts()["Sequential.2"].values()) == 3 * 48
        assert "Sequential.0" in counter.get_table() and "Sequential.0" not in counter.get_table(1)
        net(one(3, 8)).sum().backward()
        assert counter.get_total_flops() == 528
    """)


def test_hub_reads_folders(tmp_path: Path) -> None:
    lines = ["dependencies = ['math']", "def net(n=1):", "    'makes a net'", "    return n", "def _other(): pass"]
    (tmp_path / "hubconf.py").write_text("\n".join(lines))
    out = run_torch(f"""
        import torch
        place = {str(tmp_path)!r}
        print(torch.hub.list(place, source="local"), torch.hub.help(place, "net", source="local"))
        print(torch.hub.load(place, "net", source="local", n=3))
        for call in (
            lambda: torch.hub.load(place, "none", source="local"),
            lambda: torch.hub.load(place, "net"),
            lambda: torch.hub.load(place, "net", source="x"),
        ):
            try:
                call()
            except (RuntimeError, ValueError) as error:
                print(type(error).__name__)
    """)
    assert out.splitlines() == ["['net'] makes a net", "3", "RuntimeError", "RuntimeError", "ValueError"]


def test_forked_calls() -> None:
    out = run_torch("""
        import torch
        futures = [torch.jit.fork(torch.add, torch.ones(1), i) for i in range(3)]
        print([torch.jit.wait(f).item() for f in futures])
    """)
    assert out.strip() == "[1.0, 2.0, 3.0]"
