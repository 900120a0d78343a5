# SPDX-License-Identifier: MIT
"""Running the graph backward."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from .. import _core
from .._core import ArgumentError, Tensor

__all__ = ["backward", "detect_anomaly", "grad", "set_detect_anomaly"]

_Tensors = Tensor | Sequence[Tensor]


def _batched(*arguments: Any) -> bool:
    """Whether one of the tensors stands for the examples of a vmap that runs: the core has no values for it."""
    batched = sys.modules.get("plait.func._batched")
    if batched is None or not batched.active_levels():
        return False
    tensors = [t for a in arguments for t in (a if isinstance(a, list | tuple) else (a,))]
    return any(isinstance(t, batched.BatchedTensor) for t in tensors)


def backward(
    tensors: _Tensors,
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: _Tensors | None = None,
) -> None:
    """Add the gradients of ``tensors`` to the ``.grad`` of the leaves they were computed from.

    Args:
        tensors: what to differentiate.
        grad_tensors: the gradient of the final result with respect to each; None for one-element tensors.
        retain_graph: keep the graph for another pass; default: the value of ``create_graph``.
        create_graph: record the gradients themselves.
        inputs: only these leaves get a gradient; default: all.

    Raises:
        RuntimeError: nothing requires grad, a gradient is missing, or the graph was freed.

    Example:
        >>> x = plait.tensor(3.0, requires_grad=True)
        >>> plait.autograd.backward(x * x)
        >>> x.grad
        tensor(6.)
    """
    if _batched(tensors, grad_tensors, inputs):
        raise RuntimeError(
            "backward: gradients of the examples of vmap cannot be added to .grad\nhint: autograd.grad returns them"
        )
    _core._backward(tensors, grad_tensors, retain_graph, create_graph, inputs)


def grad(
    outputs: _Tensors,
    inputs: _Tensors,
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``; nothing is accumulated.

    Args:
        outputs: what to differentiate.
        inputs: with respect to what; leaves or results.
        grad_outputs: the gradient of the final result with respect to each output; None for one-element ones.
        retain_graph: keep the graph for another pass; default: the value of ``create_graph``.
        create_graph: record the gradients, for higher derivatives.
        only_inputs: True, as in PyTorch: gradients of other leaves are not accumulated.
        allow_unused: None for an input that does not matter instead of an error.
        is_grads_batched: the gradients in ``grad_outputs`` have a dimension in front, and so have the results.
        materialize_grads: zeros instead of None.

    Returns:
        One tensor (or None) per input.

    Raises:
        RuntimeError: an input does not require grad or was not used.

    Example:
        >>> x = plait.tensor(2.0, requires_grad=True)
        >>> (g,) = plait.autograd.grad(x**3, x, create_graph=True)
        >>> plait.autograd.grad(g, x)
        (tensor(12.),)
    """
    if is_grads_batched:
        from ..func import vmap

        if grad_outputs is None:
            raise ArgumentError("grad: expected grad_outputs with is_grads_batched=True")
        seeds = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)

        def one(*seeds: Any) -> tuple[Tensor, ...]:
            return grad(outputs, inputs, seeds, True, create_graph, allow_unused=allow_unused)

        return vmap(one)(*seeds)
    if _batched(outputs, inputs, grad_outputs):
        from ..func._derivatives import grad_of_examples

        return grad_of_examples(outputs, inputs, grad_outputs, create_graph)
    return _core._grad(
        outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, False, materialize_grads
    )


class detect_anomaly:
    """A backward pass inside raises RuntimeError at the first op whose gradient has a NaN, and names the op.

    Args:
        check_nan: whether NaN gradients raise.

    Example:
        >>> x = plait.tensor([0.0], requires_grad=True)
        >>> with plait.autograd.detect_anomaly():
        ...     (x.sqrt() * 0).backward()
        Traceback (most recent call last):
        RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._mode = 2 if check_nan else 1
        self._previous = _core._anomaly_mode()

    def __enter__(self) -> None:
        self._previous = _core._anomaly_mode()
        _core._set_anomaly_mode(self._mode)

    def __exit__(self, *_: Any) -> None:
        _core._set_anomaly_mode(self._previous)


class set_detect_anomaly(detect_anomaly):
    """See ``detect_anomaly``; switched at once, also without ``with``.

    Args:
        mode: True to look for the op.
        check_nan: whether a gradient with NaN raises. Default: ``True``.

    Example:
        >>> import plait
        >>> x = plait.tensor([-1.0], requires_grad=True)
        >>> with plait.autograd.set_detect_anomaly(True, check_nan=False):
        ...     x.sqrt().backward()
        >>> x.grad
        tensor([nan])
    """

    def __init__(self, mode: bool = True, check_nan: bool = True) -> None:
        super().__init__(check_nan)
        self._mode = self._mode if mode else 0
        _core._set_anomaly_mode(self._mode)

    def __enter__(self) -> None:
        pass
