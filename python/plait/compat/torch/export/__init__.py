# SPDX-License-Identifier: MIT
"""``torch.export``: a module as one graph of calls, traced by ``plait.fx``.

The graph keeps modules and methods as they are called; it is not flattened to ATen's operators. What ``fx`` cannot
trace, control flow that depends on a tensor's values, is an error that names the line.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto
from types import SimpleNamespace
from typing import Any, NoReturn

from plait import Tensor, fx
from plait.nn import Module

__all__ = ["Dim", "ExportGraphSignature", "ExportedProgram", "InputKind", "InputSpec", "OutputKind", "OutputSpec"]
__all__ += ["dims", "export", "export_for_training", "load", "register_dataclass", "save"]


class _DimHint(Enum):
    """How free a size is. All sizes are: the graph is traced without them."""

    AUTO = auto()
    DYNAMIC = auto()
    STATIC = auto()


class Dim:
    """A size that may differ from the example's.

    Args:
        name: its name.
        min, max: its range. Default: 0, no limit.
    """

    AUTO, DYNAMIC, STATIC = _DimHint.AUTO, _DimHint.DYNAMIC, _DimHint.STATIC

    def __init__(self, name: str, *, min: int | None = None, max: int | None = None) -> None:
        if not name.isidentifier():
            raise ValueError(f"Dim: expected an identifier, got {name!r}")
        self.__name__, self.min, self.max = name, min or 0, max

    def __repr__(self) -> str:
        return f"Dim({self.__name__!r}, min={self.min}, max={self.max})"


def dims(*names: str, min: int | None = None, max: int | None = None) -> tuple[Dim, ...]:
    """Several sizes of one range."""
    return tuple(Dim(name, min=min, max=max) for name in names)


class InputKind(Enum):
    """What an input of a graph is."""

    USER_INPUT = auto()
    PARAMETER = auto()
    BUFFER = auto()
    CONSTANT_TENSOR = auto()


class OutputKind(Enum):
    """What an output of a graph is."""

    USER_OUTPUT = auto()


class InputSpec(SimpleNamespace):
    """One input: ``kind``, ``arg.name``, and for weights ``target``, their name in the module."""


class OutputSpec(SimpleNamespace):
    """One output: ``kind``, ``arg.name``."""


class ExportGraphSignature:
    """What goes into a graph and comes out of it."""

    def __init__(self, input_specs: list[InputSpec], output_specs: list[OutputSpec]) -> None:
        self.input_specs, self.output_specs = input_specs, output_specs

    def _targets(self, kind: InputKind) -> tuple[str, ...]:
        return tuple(spec.target for spec in self.input_specs if spec.kind is kind)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return self._targets(InputKind.PARAMETER)

    @property
    def buffers(self) -> tuple[str, ...]:
        """The names of the buffers."""
        return self._targets(InputKind.BUFFER)

    @property
    def user_inputs(self) -> tuple[str, ...]:
        """The names of what the user gives."""
        return tuple(spec.arg.name for spec in self.input_specs if spec.kind is InputKind.USER_INPUT)

    @property
    def user_outputs(self) -> tuple[str, ...]:
        """The names of what the user gets."""
        return tuple(spec.arg.name for spec in self.output_specs)


class ExportedProgram:
    """A traced module with the example that it was checked with."""

    def __init__(self, graph_module: fx.GraphModule, example_inputs: tuple[Any, Any], shapes: Any) -> None:
        self.graph_module, self.example_inputs, self.dynamic_shapes = graph_module, example_inputs, shapes
        self.range_constraints: dict[Any, Any] = {}

    @property
    def graph(self) -> fx.Graph:
        """The calls."""
        return self.graph_module.graph

    @property
    def graph_signature(self) -> ExportGraphSignature:
        """What goes in and comes out; the weights are attributes of the graph's module."""
        weights = [(InputKind.PARAMETER, name) for name, _ in self.named_parameters()]
        weights += [(InputKind.BUFFER, name) for name, _ in self.named_buffers()]
        inputs = [
            InputSpec(kind=kind, arg=SimpleNamespace(name=name.replace(".", "_")), target=name)
            for kind, name in weights
        ]
        found: list[Any] = []
        for node in self.graph.nodes:
            if node.op == "placeholder":
                inputs.append(InputSpec(kind=InputKind.USER_INPUT, arg=SimpleNamespace(name=node.name), target=None))
            elif node.op == "output":
                fx.map_arg(node.args[0], found.append)
        outputs = [OutputSpec(kind=OutputKind.USER_OUTPUT, arg=SimpleNamespace(name=n.name)) for n in found]
        return ExportGraphSignature(inputs, outputs)

    @property
    def state_dict(self) -> dict[str, Any]:
        """Parameters and buffers."""
        return self.graph_module.state_dict()

    @property
    def constants(self) -> dict[str, Any]:
        """Tensors that are neither: none."""
        return {}

    def parameters(self) -> Iterator[Tensor]:
        """The parameters."""
        return self.graph_module.parameters()

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The parameters by name."""
        return self.graph_module.named_parameters()

    def buffers(self) -> Iterator[Tensor]:
        """The buffers."""
        return self.graph_module.buffers()

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """The buffers by name."""
        return self.graph_module.named_buffers()

    def module(self, check_guards: bool = True) -> Module:
        """The graph as a module."""
        return self.graph_module

    def run_decompositions(self, decomp_table: Any = None, **options: Any) -> ExportedProgram:
        """The program itself: its ops are those that compute."""
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError("ExportedProgram: expected a call of its module: program.module()(...)")

    def __str__(self) -> str:
        return f"ExportedProgram:\n{self.graph_module.code}"


def export(
    mod: Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None = None,
    *,
    dynamic_shapes: Mapping[str, Any] | Sequence[Any] | None = None,
    strict: bool = False,
    preserve_module_call_signature: tuple[str, ...] = (),
    prefer_deferred_runtime_asserts_over_guards: bool = False,
) -> ExportedProgram:
    """Trace a module, and check the graph with an example.

    Args:
        mod: the module.
        args, kwargs: the example. Arguments that hold no tensor become part of the graph and are not given again.
        dynamic_shapes: accepted; all sizes may change.
        strict, preserve_module_call_signature, prefer_deferred_runtime_asserts_over_guards: accepted.

    Raises:
        ValueError: if ``mod`` is no module, or ``args`` no tuple.
        plait.fx.TraceError: if what the module does depends on the values of tensors.
    """
    if not isinstance(mod, Module):
        raise ValueError(f"export: expected a Module, got {type(mod).__name__}\nhint: wrap a function in a Module")
    if not isinstance(args, tuple):
        raise ValueError(f"export: expected args to be a tuple, got {type(args).__name__}\nhint: (x,) is a tuple")
    bound = inspect.signature(mod.forward).bind(*args, **(kwargs or {}))
    given = {p.name for p in bound.signature.parameters.values() if p.name in bound.arguments}
    bound.apply_defaults()
    fixed = {n: v for n, v in bound.arguments.items() if n not in given or not _has_tensors(v)}
    tracer = fx.Tracer()
    graph = tracer.trace(mod, concrete_args=fixed or None)
    for node in [n for n in graph.nodes if n.op == "placeholder"]:
        if not any(node.name == name or node.name == f"{name}_0" for name in bound.arguments if name not in fixed):
            _forget(graph, node)
    return ExportedProgram(
        fx.GraphModule(tracer.root, graph, type(mod).__name__), (args, dict(kwargs or {})), dynamic_shapes
    )


def _forget(graph: fx.Graph, node: fx.Node) -> None:
    """Erase an input whose value is part of the graph, and the checks of it."""
    for user in list(node.users):
        _forget(graph, user)
    graph.erase_node(node)


def _has_tensors(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_tensors, value.values()))
    return isinstance(value, Tensor) or (isinstance(value, (list, tuple)) and any(map(_has_tensors, value)))


export_for_training = export


def save(ep: ExportedProgram, f: Any, **options: Any) -> NoReturn:
    """A program is code, and no file here holds code.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError(
        "torch.export.save: a program is code, and plait's files hold none\n"
        "hint: torch.save(program.state_dict, path), and export the module again after loading"
    )


def load(f: Any, **options: Any) -> NoReturn:
    """See :func:`save`.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("torch.export.load: a program is code, and plait reads none from files")


def register_dataclass(cls: type, *, serialized_type_name: str | None = None) -> None:
    """Let the fields of a dataclass be found in arguments and results."""
    import dataclasses

    from torch.utils import _pytree

    names = [field.name for field in dataclasses.fields(cls)]
    _pytree.register_pytree_node(
        cls, lambda x: ([getattr(x, n) for n in names], None), lambda values, _: cls(**dict(zip(names, values)))
    )
