# SPDX-License-Identifier: MIT
"""Shapes, dtypes and strides of all values of a graph, noted at its nodes."""

from __future__ import annotations

from typing import Any, NamedTuple

from ... import _core
from ..._layouts import channels_last, contiguous_format
from ..interpreter import Interpreter
from ..node import Node, map_aggregate

__all__ = ["ShapeProp", "TensorMetadata"]


class TensorMetadata(NamedTuple):
    """What a tensor is like.

    Args:
        shape, dtype, requires_grad, stride: as of the tensor.
        memory_format: ``contiguous_format``, ``channels_last`` or None.
        is_quantized: ``False``.
        qparams: empty.

    Example:
        >>> from plait.fx.passes.shape_prop import ShapeProp
        >>> net = plait.fx.symbolic_trace(lambda x: x.t())
        >>> _ = ShapeProp(net).propagate(plait.ones(4, 2))
        >>> net.graph.output_node().meta["tensor_meta"].stride
        (1, 2)
    """

    shape: Any
    dtype: Any
    requires_grad: bool
    stride: tuple[int, ...]
    memory_format: Any
    is_quantized: bool
    qparams: dict[str, Any]


def _extract_tensor_metadata(result: Any, include_contiguity: bool = True) -> TensorMetadata:
    memory_format = None
    if include_contiguity:
        if result.is_contiguous():
            memory_format = contiguous_format
        elif result.dim() == 4 and result.is_contiguous(memory_format=channels_last):
            memory_format = channels_last
    return TensorMetadata(result.shape, result.dtype, result.requires_grad, result.stride(), memory_format, False, {})


class ShapeProp(Interpreter):
    """A run of a graph that notes at each node what its tensors are like, as ``node.meta["tensor_meta"]``.

    Args:
        gm: the module whose graph runs.
        fake_mode: accepted for PyTorch's sake; None.

    Example:
        >>> from plait.fx.passes.shape_prop import ShapeProp
        >>> net = plait.fx.symbolic_trace(nn.Linear(2, 3))
        >>> _ = ShapeProp(net).propagate(plait.ones(4, 2))
        >>> tuple(net.graph.output_node().meta["tensor_meta"].shape)
        (4, 3)
    """

    def __init__(self, gm: Any, fake_mode: Any = None) -> None:
        super().__init__(gm)
        self.fake_mode = fake_mode

    def run_node(self, n: Node) -> Any:
        result = super().run_node(n)
        found = False

        def describe(x: Any) -> Any:
            nonlocal found
            if not isinstance(x, _core.Tensor):
                return x
            found = True
            return _extract_tensor_metadata(x)

        meta = map_aggregate(result, describe)
        if found:
            n.meta["tensor_meta"] = meta
        n.meta["type"] = type(result)
        return result

    def propagate(self, *args: Any) -> Any:
        """Run the graph with the arguments ``args``; returns its result."""
        return super().run(*args)
