# SPDX-License-Identifier: MIT
"""Comparison of gradients with finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import ArgumentError, Tensor, from_numpy, full_like, view_as_real
from .run import grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """Analytical and numerical gradients differ."""


def _outputs(result: Any) -> list[Tensor]:
    items = result if isinstance(result, tuple | list) else (result,)
    return [t for t in items if isinstance(t, Tensor) and (t.is_floating_point() or t.is_complex())]


def _parts(t: Tensor) -> np.ndarray:
    """The elements on the memory of ``t``; of a complex tensor real and imaginary parts, as a last dimension."""
    t = t.detach()
    return (view_as_real(t) if t.is_complex() else t).numpy()


def _numerical(func: Callable[..., Any], inputs: Sequence[Any], x: Tensor, eps: float) -> list[np.ndarray]:
    """One Jacobian (elements of x, elements of the output) per output, by central differences.

    A complex number counts as two elements, its real and its imaginary part.
    """
    columns: list[list[np.ndarray]] = []
    values = _parts(x)
    for index in np.ndindex(*values.shape):
        original = values[index].copy()
        sides = []
        for step in (eps, -eps):
            values[index] = original + step
            sides.append([_parts(t).astype(np.float64).ravel().copy() for t in _outputs(func(*inputs))])
        values[index] = original
        columns.append([(hi - lo) / (2 * eps) for hi, lo in zip(*sides)])
    if not columns:
        return [np.zeros((0, _parts(t).size)) for t in _outputs(func(*inputs))]
    return [np.stack([c[i] for c in columns]) for i in range(len(columns[0]))]


def _analytical(output: Tensor, x: Tensor) -> np.ndarray:
    """The same Jacobian by one backward pass per element of the output.

    The gradient for the seed v is that of real(conj(v) y): of the real part for 1, of the imaginary one for i.
    """
    result = np.zeros((_parts(x).size, _parts(output).size))
    for j in range(result.shape[1]):
        seed = np.zeros(tuple(output.shape), dtype=output.detach().numpy().dtype)
        seed.reshape(-1).view(_parts(output).dtype)[j] = 1
        (g,) = grad(output, x, from_numpy(seed), retain_graph=True, allow_unused=True)
        if g is not None:
            result[:, j] = _parts(g).ravel()
    return result


def _forward(func: Callable[..., Any], args: Sequence[Any], x: Tensor) -> list[np.ndarray]:
    """The same Jacobians, one per output, by forward mode: one pass per element of x."""
    from .forward_ad import dual_level, make_dual, unpack_dual

    rows: list[list[np.ndarray]] = []
    for i in range(_parts(x).size):
        seed = np.zeros(tuple(x.shape), dtype=x.detach().numpy().dtype)
        seed.reshape(-1).view(_parts(x).dtype)[i] = 1
        with dual_level():
            ys = _outputs(func(*[make_dual(a.detach(), from_numpy(seed)) if a is x else a for a in args]))
            tangents = [(y, unpack_dual(y).tangent) for y in ys]
            rows.append([np.zeros(_parts(y).size) if t is None else _parts(t).ravel().copy() for y, t in tangents])
    if not rows:
        return [np.zeros((0, _parts(t).size)) for t in _outputs(func(*args))]
    return [np.stack([row[i] for row in rows]) for i in range(len(rows[0]))]


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of ``func`` with central differences, element by element.

    Args:
        func: takes ``inputs`` and returns a tensor or a tuple of them.
        inputs: tensors; those that require grad are checked and should be float64 or complex128.
        eps: the step.
        atol, rtol: the tolerance of the comparison.
        raise_exception: raise ``GradcheckError`` instead of returning False.
        nondet_tol: how much two backward passes may differ.
        check_forward_ad, check_backward_ad: which derivatives are compared; those of backward() by default.
        check_undefined_grad, check_grad_dtypes, check_batched_grad, check_batched_forward_grad, fast_mode, masked:
            accepted, not used.

    Returns:
        True when all gradients agree.

    Raises:
        GradcheckError: the gradients differ, unless ``raise_exception`` is False.
        ValueError: no input requires grad.

    Example:
        >>> x = plait.randn(3, dtype=plait.float64, requires_grad=True)
        >>> plait.autograd.gradcheck(plait.tanh, (x,))
        True
    """
    args = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [x for x in args if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ArgumentError("gradcheck: expected at least one input that requires grad")
    outputs = [t for t in _outputs(func(*args)) if t.requires_grad]

    def fail(message: str) -> bool:
        if raise_exception:
            raise GradcheckError(message)
        return False

    def compare(got: np.ndarray, expected: np.ndarray, mode: str, i: int, n: int) -> bool:
        if np.allclose(got, expected, rtol=rtol, atol=atol, equal_nan=True):
            return True
        worst = float(np.abs(got - expected).max())
        return fail(
            f"gradcheck: Jacobian mismatch{mode} for output {i} with respect to input {n}, largest difference "
            f"{worst:.3g}\nnumerical:\n{expected}\nanalytical:\n{got}"
        )

    for n, x in enumerate(checked):
        every = _numerical(func, args, x, eps)
        if check_forward_ad:
            for i, (got, expected) in enumerate(zip(_forward(func, args, x), every)):
                if not compare(got, expected, " of forward mode", i, n):
                    return False
        if not check_backward_ad:
            continue
        numerical = [j for j, t in zip(every, _outputs(func(*args))) if t.requires_grad]
        for i, (output, expected) in enumerate(zip(outputs, numerical)):
            got = _analytical(output, x)
            if not compare(got, expected, "", i, n):
                return False
            again = _analytical(output, x)
            if np.abs(again - got).max(initial=0.0) > nondet_tol:
                return fail(f"gradcheck: two backward passes differ for output {i} and input {n}")
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    **options: Any,
) -> bool:
    """Like ``gradcheck`` for second derivatives: checks the gradients of the gradients.

    Args:
        func, inputs: as for ``gradcheck``.
        grad_outputs: where to take the first gradient; default: fixed positive values.
        options: the keyword arguments of ``gradcheck``.

    Returns:
        True; what is wrong is raised, or False with ``raise_exception=False``.

    Example:
        >>> import plait
        >>> x = plait.tensor([1.0, 2.0], dtype=plait.float64, requires_grad=True)
        >>> plait.autograd.gradgradcheck(plait.exp, (x,))
        True
    """
    args = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    outputs = [t for t in _outputs(func(*args)) if t.requires_grad]
    if grad_outputs is None:
        seeds = [full_like(t, 1.5 + 0.5j if t.is_complex() else 1.5).detach() for t in outputs]
    else:
        seeds = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    seeds = [s.detach().clone().requires_grad_() for s in seeds]
    n = len(args)

    def first(*values: Any) -> tuple[Tensor, ...]:
        own, gradients = values[:n], values[n:]
        ys = [t for t in _outputs(func(*own)) if t.requires_grad]
        xs = [x for x in own if isinstance(x, Tensor) and x.requires_grad]
        gs = grad(ys, xs, list(gradients), create_graph=True, allow_unused=True)
        return tuple(g for g in gs if g is not None and g.requires_grad)

    return gradcheck(first, (*args, *seeds), **options)
