# SPDX-License-Identifier: MIT
"""What a module is made of, and what a call of it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ._core import ArgumentTypeError, Tensor
from .autograd import no_grad
from .nn import Module
from .nn.modules._hooks import register_module_forward_hook
from .nn.parameter import UninitializedParameter
from .utils.flop_counter import FlopCounterMode

__all__ = ["LayerSummary", "ModelSummary", "summary"]


@dataclass(frozen=True)
class LayerSummary:
    """One module of a :class:`ModelSummary`.

    Attributes:
        name: its path in the model; empty for the model itself.
        kind: the name of its class.
        input_shape, output_shape: of its last call; the shape of a tensor, or shapes in tuples, lists and dicts.
        parameters: elements of all its parameters, those of the modules inside included.
        flops: operations of all its calls, those of the modules inside included.
        output_bytes: of its last call.
        calls: how often it was called.
        is_leaf: whether no module is inside.
    """

    name: str
    kind: str
    input_shape: Any
    output_shape: Any
    parameters: int
    flops: int
    output_bytes: int
    calls: int
    is_leaf: bool


@dataclass(frozen=True)
class ModelSummary:
    """What :func:`plait.summary` found. Printed, it is a table.

    Attributes:
        layers: a :class:`LayerSummary` for each module that was called, in the order of the model's modules.
        total_parameters: elements of all parameters, each counted once.
        trainable_parameters: of those that require a gradient.
        total_flops: operations of matrix products, convolutions, attention and recurrent layers; a multiplication and
            an addition are two.
        parameter_bytes: of parameters and buffers.
        output_bytes: of the results of modules without modules inside: about what a backward pass keeps.
        input_bytes: of the arguments.
    """

    layers: tuple[LayerSummary, ...]
    total_parameters: int
    trainable_parameters: int
    total_flops: int
    parameter_bytes: int
    output_bytes: int
    input_bytes: int

    def __str__(self) -> str:
        rows = [("Layer", "Input", "Output", "Parameters", "FLOPs")]
        for layer in self.layers:
            depth = layer.name.count(".") + 1 if layer.name else 0
            last = layer.name.rpartition(".")[2]
            label = f"{last}: {layer.kind}" if last else layer.kind
            label += f" x{layer.calls}" if layer.calls > 1 else ""
            shapes = (_shape_text(layer.input_shape), _shape_text(layer.output_shape))
            rows.append(("  " * depth + label, *shapes, f"{layer.parameters:,}", f"{layer.flops:,}"))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = [
            "  ".join(cell.rjust(w) if i > 2 else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths)))
            for row in rows
        ]
        rule = "-" * len(lines[0])
        frozen = self.total_parameters - self.trainable_parameters
        totals = [
            f"Parameters: {self.total_parameters:,} ({self.trainable_parameters:,} trainable, {frozen:,} frozen)",
            f"FLOPs: {self.total_flops:,}",
            f"Memory: input {_mebibytes(self.input_bytes)}, parameters and buffers "
            f"{_mebibytes(self.parameter_bytes)}, results of layers {_mebibytes(self.output_bytes)}",
        ]
        return "\n".join([lines[0], rule, *lines[1:], rule, *totals])

    __repr__ = __str__


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.2f} MiB"


def _shape_text(shape: Any) -> str:
    """Of a tensor [2, 3]; of several the first ones."""
    if shape is None:
        return "-"
    if isinstance(shape, dict):
        shape = list(shape.values())
    if shape and not isinstance(shape[0], int):
        return _shape_text(shape[0]) + (f" +{len(shape) - 1}" if len(shape) > 1 else "")
    return str(list(shape))


def _shape_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, dict):
        return {key: shape for key, item in value.items() if (shape := _shape_of(item)) is not None} or None
    if isinstance(value, tuple | list):
        shapes = [shape for item in value if (shape := _shape_of(item)) is not None]
        return shapes or None
    return None


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | tuple | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)


def _bytes_of(value: Any) -> int:
    return sum(t.numel() * t.element_size() for t in _tensors(value))


class _Calls:
    """Shapes and sizes by module, of its last call."""

    def __init__(self, model: Module) -> None:
        self.names = {id(module): name for name, module in model.named_modules()}
        self.shapes: dict[str, tuple[Any, Any]] = {}
        self.output_bytes: dict[str, int] = {}
        self.counts: dict[str, int] = {}

    def note(self, module: Module, args: Any, result: Any) -> None:
        name = self.names.get(id(module))
        if name is not None:
            inputs = _shape_of(args)
            self.shapes[name] = inputs[0] if inputs and len(inputs) == 1 else inputs, _shape_of(result)
            self.output_bytes[name] = _bytes_of(result)
            self.counts[name] = self.counts.get(name, 0) + 1


def _run(model: Module, args: Any, kwargs: dict[str, Any]) -> tuple[_Calls, FlopCounterMode]:
    """One forward in eval mode, without a graph. Every module gets its own mode back."""
    calls, counter = _Calls(model), FlopCounterMode(display=False)
    modes = [(module, module.training) for module in model.modules()]
    hook = register_module_forward_hook(calls.note)
    try:
        model.eval()
        with no_grad(), counter:
            model(*args, **kwargs)
    finally:
        hook.remove()
        for module, training in modes:
            module.training = training
    return calls, counter


def summary(model: Module, input: Any, **kwargs: Any) -> ModelSummary:
    """List a model's layers with shapes, parameters and operations, and its needs of memory.

    The model runs once, in eval mode and without a graph; afterwards each module is in the mode that it was in.
    Parameters of lazy layers take their shapes from this call.

    Args:
        model: the module.
        input: what it is called with: a tensor, or a tuple or list of arguments.
        kwargs: further arguments of the call, by name.

    Returns:
        A :class:`ModelSummary`, which is printed as a table and holds the numbers as attributes.

    Raises:
        TypeError: ``model`` is no module.

    Example:
        >>> net = plait.nn.Sequential(plait.nn.Linear(4, 3), plait.nn.ReLU(), plait.nn.Linear(3, 2))
        >>> plait.summary(net, plait.zeros(5, 4))
        Layer        Input   Output  Parameters  FLOPs
        ----------------------------------------------
        Sequential   [5, 4]  [5, 2]          23    180
          0: Linear  [5, 4]  [5, 3]          15    120
          1: ReLU    [5, 3]  [5, 3]           0      0
          2: Linear  [5, 3]  [5, 2]           8     60
        ----------------------------------------------
        Parameters: 23 (23 trainable, 0 frozen)
        FLOPs: 180
        Memory: input 0.00 MiB, parameters and buffers 0.00 MiB, results of layers 0.00 MiB
    """
    if not isinstance(model, Module):
        raise ArgumentTypeError(f"summary: expected a module, got {type(model).__name__}")
    args = tuple(input) if isinstance(input, tuple | list) else (input,)
    calls, counter = _run(model, args, kwargs)
    root, flops = type(model).__name__, counter.get_flop_counts()
    layers = []
    for name, module in model.named_modules():
        if name not in calls.shapes:
            continue
        counts = flops.get(f"{root}.{name}" if name else root, {})
        layers.append(
            LayerSummary(
                name,
                type(module).__name__,
                *calls.shapes[name],
                _elements(module),
                sum(counts.values()),
                calls.output_bytes[name],
                calls.counts[name],
                next(module.children(), None) is None,
            )
        )
    return ModelSummary(
        tuple(layers),
        _elements(model),
        sum(p.numel() for p in model.parameters() if p.requires_grad and not isinstance(p, UninitializedParameter)),
        counter.get_total_flops(),
        _bytes_of([*model.parameters(), *model.buffers()]),
        sum(layer.output_bytes * layer.calls for layer in layers if layer.is_leaf),
        _bytes_of([args, kwargs]),
    )


def _elements(module: Module) -> int:
    return sum(p.numel() for p in module.parameters() if not isinstance(p, UninitializedParameter))
