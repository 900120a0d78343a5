# SPDX-License-Identifier: MIT
"""What programs written for PyTorch ask beyond ops and layers: swapped tensors, checks of operators, switches."""

from __future__ import annotations

from test_compat import run_torch


def test_swap_tensors() -> None:
    run_torch("""
        import weakref, torch
        a, b = torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.zeros(3))
        a.note = "kept"
        seen = [a]
        y = (b * 2).sum()
        torch.utils.swap_tensors(a, b)
        assert seen[0] is a and a.shape == (3,) and b.shape == (2,) and b.note == "kept" and not hasattr(a, "note")
        assert type(a) is torch.nn.Parameter and type(b) is torch.Tensor
        y.backward()  # the graph knows the tensor, not the object
        assert a.grad.tolist() == [2, 2, 2] and b.grad is None
        b.sum().backward()
        assert b.grad.tolist() == [1, 1]
        layer = torch.nn.Linear(2, 2)
        torch.utils.swap_tensors(layer.weight, torch.nn.Parameter(torch.eye(2)))
        assert layer.weight is layer._parameters["weight"] and torch.equal(layer.weight, torch.eye(2))
        torch.utils.swap_tensors(a, a)
        r = weakref.ref(a)
        try:
            torch.utils.swap_tensors(a, b)
        except RuntimeError as error:
            assert "weak references" in str(error)
        else:
            raise AssertionError
    """)


def test_opcheck() -> None:
    out = run_torch("""
        import torch

        @torch.library.custom_op("tried::twice", mutates_args=())
        def twice(x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @twice.register_fake
        def _(x):
            return torch.empty_like(x)

        x = torch.randn(3)
        assert set(torch.library.opcheck(twice, (x,)).values()) == {"SUCCESS"}
        found = torch.library.opcheck(twice, (x.clone().requires_grad_(),), raise_exception=False)
        assert "no derivative is registered" in found["test_autograd_registration"]
        assert found["test_schema"] == "SUCCESS"
        twice.register_autograd(lambda ctx, g: g * 2)
        torch.library.opcheck(torch.ops.tried.twice.default, (x.clone().requires_grad_(),))

        @torch.library.custom_op("tried::fill", mutates_args=("x",))
        def fill(x: torch.Tensor) -> None:
            x.fill_(1)

        torch.library.opcheck(fill, (x,))

        @torch.library.custom_op("tried::secret", mutates_args=())
        def secret(x: torch.Tensor) -> torch.Tensor:
            return x.add_(1).clone()

        for wrong in ((secret, (x,)), (twice, (x,), {}, "no_check")):
            try:
                torch.library.opcheck(*wrong[:3], **({"test_utils": wrong[3]} if wrong[3:] else {}))
            except RuntimeError as error:
                print(str(error).split(":")[0], "test_schema" in str(error))
    """)
    assert out.split("\n")[:2] == ["opcheck(tried", "opcheck True"] or "True" in out


def test_switches() -> None:
    run_torch("""
        import torch
        with torch.backends.cudnn.flags(enabled=True, deterministic=False):
            assert torch.backends.cudnn.enabled and not torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.enabled and torch.backends.cudnn.deterministic

        @torch.compiler.set_stance("force_eager")
        def f(x):
            return x + 1

        assert f(1) == 2
        import torch._logging
        torch._logging.set_logs(dynamo=10)
        assert not torch.mps.is_available() and torch.cpu.is_available() and torch.cpu.current_device() == "cpu"
        with torch.cpu.stream(torch.cpu.current_stream()), torch.cpu.amp.autocast():
            torch.cpu.synchronize()
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    """)


def test_order_of_edges() -> None:
    run_torch("""
        import torch
        a = torch.ones(3, requires_grad=True)
        for y in (2 * a, 2 + a, True * a, 2.5 * a):
            edges = y.grad_fn.next_functions
            assert edges[0][0].name() == "AccumulateGrad" and edges[0][0].variable is a and edges[1:] == ((None, 0),)
        assert (3 | torch.tensor([4])).item() == 7 and (2 - a).tolist() == [1, 1, 1]
    """)


def test_scripted_modules() -> None:
    run_torch("""
        import copy, io, pickle, torch
        from torch import nn

        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU())
        x = torch.randn(5, 3)
        made = torch.jit.script(net)
        assert isinstance(made, torch.jit.ScriptModule) and isinstance(made, nn.Sequential) and made is not net
        assert made.original_name == "Sequential" and made[0].weight is net[0].weight and torch.jit.script(made) is made
        made.eval()
        y = made(x)
        assert "linear" not in made.code and len(list(made.graph.nodes)) == 5
        file = io.BytesIO()
        made.save(file)
        file.seek(0)
        again = torch.jit.load(file)
        assert isinstance(again, torch.jit.ScriptModule) and not again.training and torch.equal(again(x), y)
        assert list(again.state_dict()) == list(net.state_dict())
        assert torch.equal(torch.jit.freeze(again)(x), y)
        for copied in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert isinstance(copied, torch.jit.RecursiveScriptModule) and torch.equal(copied(x), y)
        traced = torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2))
        assert isinstance(traced, torch.jit.TopLevelTracedModule)
        f = lambda x: x
        assert torch.jit.script(f) is f and torch.jit.trace(f, x) is f
        file = io.BytesIO()
        torch.save({"a": x}, file)
        file.seek(0)
        for wrong in (lambda: torch.jit.load(file), lambda: torch.jit.freeze(net.train())):
            try:
                wrong()
            except RuntimeError:
                pass
            else:
                raise AssertionError
    """)


def test_operators_in_graphs() -> None:
    run_torch("""
        import torch

        @torch.library.custom_op("drawn::add_one", mutates_args=())
        def add_one(x: torch.Tensor) -> torch.Tensor:
            return x + 1

        def f(x):
            handle = torch.ops.profiler._record_function_enter("range")
            y = torch.ops.drawn.add_one(x)
            torch.ops.profiler._record_function_exit(handle)
            return y * 2

        traced = torch.fx.symbolic_trace(lambda x: torch.ops.drawn.add_one(x) * 2)
        assert [n.target for n in traced.graph.nodes][1] == torch.ops.drawn.add_one
        assert traced(torch.ones(2)).tolist() == [4, 4]

        class Seen(torch.overrides.TorchFunctionMode):
            names = []
            def __torch_function__(self, func, types, args=(), kwargs=None):
                self.names.append(func.__name__)
                return func(*args, **(kwargs or {}))

        with Seen():
            torch.ops.drawn.add_one(torch.ones(1))
        assert "add_one" in Seen.names
        with torch.profiler.profile() as p:
            assert f(torch.ones(2)).tolist() == [4, 4]
        assert "range" in [e.name for e in p.events()]
    """)


def test_older_profile_is_its_table() -> None:
    run_torch("""
        import torch
        with torch.autograd.profiler.profile() as p:
            torch.ones(2) + 1
            assert "unfinished" in str(p)
        assert "add" in str(p) and "Self CPU" in str(p)
    """)


def test_functorch() -> None:
    run_torch("""
        import torch, functorch
        assert functorch.vmap is torch.func.vmap
        net = torch.nn.Linear(3, 2)
        f, params = functorch.make_functional(net)
        x = torch.randn(4, 3)
        assert torch.allclose(f(params, x), net(x)) and params[0] is net.weight
        g = functorch.grad(lambda params, x: f(params, x).sum())(params, x)
        assert torch.allclose(g[1], torch.full((2,), 4.0))
        norms = [torch.nn.BatchNorm1d(3).eval() for _ in range(2)]
        f, params, buffers = functorch.make_functional_with_buffers(norms[0])
        assert torch.allclose(f(params, buffers, x), norms[0](x))
        f, params, buffers = functorch.combine_state_for_ensemble(norms)
        assert functorch.vmap(f, in_dims=(0, 0, None))(params, buffers, x).shape == (2, 4, 3)
        try:
            functorch.make_functional(norms[0])
        except RuntimeError as error:
            assert "buffers" in str(error)
        try:
            import functorch.compile
        except ImportError:
            pass
        else:
            raise AssertionError
    """)


def test_modules_have_the_name_of_their_classes() -> None:
    run_torch("""
        import pickle, torch
        from torch.optim import lr_scheduler
        schedule = lr_scheduler.StepLR(torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=1.0), 1)
        assert schedule.__module__ == lr_scheduler.__name__ == "torch.optim.lr_scheduler"
        assert torch.nn.__name__ == "torch.nn" and torch.__name__ == "torch"
        import plait
        from plait.optim import swa_utils
        assert swa_utils is torch.optim.swa_utils and plait.__name__ == "plait"
        from plait.nn.utils import prune
        assert prune is torch.nn.utils.prune
        pickle.loads(pickle.dumps(torch.nn.functional.softplus))
    """)
