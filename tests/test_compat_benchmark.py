# SPDX-License-Identifier: MIT
"""torch.utils.benchmark: what is timed, how results are merged and shown. No test asserts a time."""

from __future__ import annotations

from test_compat import run_torch


def test_timer() -> None:
    out = run_torch("""
        import torch
        from torch.utils.benchmark import Compare, Measurement, Timer

        calls = []
        def f(x):
            calls.append(torch.get_num_threads())
            return x + 1

        x = torch.ones(3)
        labels = dict(label="Sums", sub_label="[3]")
        once = Timer("f(x)", setup="y = 2", globals={"f": f, "x": x}, description="f", **labels).timeit(7)
        assert (once.number_per_run, len(once.times), once.title) == (7, 1, "Sums: [3]") and set(calls) == {1}
        assert len(calls) == 7 + 2 and once.median == once.mean == once.times[0] > 0 and once.iqr == 0
        assert repr(once).splitlines()[1:4] == ["Sums: [3]", "f", "setup: y = 2"]
        blocks = Timer("torch.relu(x)", globals={"x": x}, description="g", **labels)
        blocks = blocks.blocked_autorange(min_run_time=0.01)
        assert sum(blocks.raw_times) >= 0.01
        Timer("pass").adaptive_autorange(max_run_time=0.05)
        table = Compare([once, blocks])
        table.trim_significant_figures()
        head, names, threads, row, *_ = str(table).splitlines()
        assert "Sums" in head and names.split("|")[1].strip() == "f" and threads.startswith("1 threads: ---")
        assert row.split()[0] == "[3]" and row.count("|") == 2
        for wrong in (dict(stmt="int i;", language="c++"), dict(stmt="pass", global_setup="x")):
            try:
                Timer(**wrong)
            except (NotImplementedError, ValueError) as error:
                print(type(error).__name__)
    """)
    assert out.split() == ["NotImplementedError", "ValueError"]


def test_statistics() -> None:
    run_torch("""
        from torch.utils.benchmark import Measurement, TaskSpec, select_unit, trim_sigfig

        task = TaskSpec("pass", "pass")
        m = Measurement(2, [8e-6, 2e-6, 4e-6, 6e-6, 10e-6], task)
        assert abs(m.median - 3e-6) < 1e-12 and abs(m.iqr - 2e-6) < 1e-12 and m.has_warnings
        assert "Median: 3.00 us" in repr(m) and "IQR:    2.00 us (2.00 to 4.00)" in repr(m)
        two = Measurement.merge([m, Measurement(2, [1e-6], task), Measurement(1, [1e-6], task)])
        assert [len(x.raw_times) for x in two] == [6, 1]
        assert select_unit(2e-3) == ("ms", 1e-3) and trim_sigfig(1234.0, 2) == 1200.0 and trim_sigfig(0.0, 2) == 0
    """)


def test_fuzzer() -> None:
    run_torch("""
        import torch
        from torch.utils.benchmark import FuzzedParameter, FuzzedTensor, Fuzzer, ParameterAlias

        def fuzzer():
            return Fuzzer(
                parameters=[
                    FuzzedParameter("k0", 1, 64, distribution="loguniform"),
                    [FuzzedParameter("k1", distribution={ParameterAlias("k0"): 0.5, 3: 0.5})],
                ],
                tensors=[FuzzedTensor("x", size=("k0", "k1"), steps=(2,), min_elements=6, probability_contiguous=0.3)],
                constraints=[lambda k0, k1: k0 != 5],
                seed=3,
            )

        seen = list(fuzzer().take(20))
        for tensors, properties, params in seen:
            x = tensors["x"]
            assert x.shape == (params["k0"], params["k1"]) and x.numel() >= 6 and params["k0"] != 5
            assert properties["x"]["is_contiguous"] == x.is_contiguous() and params["k1"] in (3, params["k0"])
        assert [p for _, _, p in seen] == [p for _, _, p in fuzzer().take(20)]
    """)
