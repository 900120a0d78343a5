# SPDX-License-Identifier: MIT
"""vmap: a function of one example, called on a batch of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import ArgumentError, ArgumentTypeError, Tensor, default_generator
from ._batched import Level, batch, new_level, value_at
from ._tree import flatten, spread, unflatten

__all__ = ["vmap"]

_RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Map a function of one example over a dimension of its arguments, all examples at once.

    The function is called once, with tensors that show one example and stand for all; its ops run on the whole batch.
    An op without a rule for batches runs on one example after the other. The result is that of a loop over the
    examples. What needs a single value (``item()``, ``if x > 0``) raises RuntimeError. vmaps may be nested, and mixed
    with :func:`grad`.

    Args:
        func: takes tensors, or nested lists, tuples and dicts of them, and returns tensors or such containers.
        in_dims: the dimension to map over, for all arguments or nested like them; None for what all examples share.
            Default: 0.
        out_dims: where the results have the batch, for all or nested like them. Default: 0.
        randomness: what random ops do: ``"error"`` raises, ``"different"`` gives each example its own numbers,
            ``"same"`` all the same. Default: ``"error"``.
        chunk_size: how many examples are computed at once. Default: all.

    Returns:
        A function that takes batches where ``func`` takes examples.

    Raises:
        ValueError: ``in_dims`` or ``out_dims`` do not fit, or the sizes of the mapped dimensions differ.
        RuntimeError: a random op with ``randomness="error"``.

    Example:
        >>> import plait
        >>> dot = lambda a, b: (a * b).sum()
        >>> plait.func.vmap(dot)(plait.ones(3, 2), plait.ones(3, 2))
        tensor([2., 2., 2.])
    """
    if randomness not in _RANDOMNESS:
        raise ArgumentError(f"vmap: expected randomness to be one of {_RANDOMNESS}, got {randomness!r}")
    if chunk_size is not None and chunk_size <= 0:
        raise ArgumentError(f"vmap: expected chunk_size to be positive, got {chunk_size}")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        leaves, spec, dims = _inputs(args, kwargs, in_dims)
        size = _batch_size(leaves, dims)
        if chunk_size is None or chunk_size >= size:
            return _run(func, leaves, spec, dims, size, out_dims, randomness)
        parts = []
        for start in range(0, size, chunk_size):
            count = min(chunk_size, size - start)
            piece = [x if d is None else x.narrow(d, start, count) for x, d in zip(leaves, dims)]
            parts.append(flatten(_run(func, piece, spec, dims, count, out_dims, randomness)))
        places = _result_dims(out_dims, parts[0][1], parts[0][0])
        joined = [_core.cat(list(pieces), d) for pieces, d in zip(zip(*(p[0] for p in parts)), places)]
        return unflatten(joined, parts[0][1])

    return mapped


def _inputs(args: Any, kwargs: Any, in_dims: Any) -> tuple[list[Any], Any, list[Any]]:
    """The leaves of all arguments, their structure, and the mapped dimension of each; keywords are mapped over 0."""
    if isinstance(in_dims, list):
        in_dims = tuple(in_dims)
    if not isinstance(in_dims, int | tuple) or isinstance(in_dims, bool):
        raise ArgumentError(
            f"vmap: expected in_dims to be an int or a tuple like the arguments, got {type(in_dims).__name__}"
        )
    if not args and not kwargs:
        raise ArgumentError("vmap: expected at least one argument, got none")
    dims = spread(in_dims, args)
    if dims is None:
        raise ArgumentError(
            f"vmap: expected in_dims nested like the arguments, got {in_dims} for {len(args)} arguments"
        )
    leaves, spec = flatten((args, kwargs))
    dims += [0 if isinstance(x, Tensor) else None for x in flatten(kwargs)[0]] if kwargs else []
    checked: list[Any] = []
    for x, d in zip(leaves, dims):
        if d is None:
            checked.append(None)
            continue
        if not isinstance(d, int):
            raise ArgumentError(f"vmap: expected in_dims of ints and None, got {d!r}")
        if not isinstance(x, Tensor):
            raise ArgumentError(
                f"vmap: expected a Tensor where in_dims is {d}, got {type(x).__name__}; use None for what all share"
            )
        if not -x.dim() <= d < x.dim():
            raise ArgumentError(f"vmap: in_dim {d} is out of range for a tensor of shape {tuple(x.shape)}")
        checked.append(d % x.dim())
    return leaves, spec, checked


def _batch_size(leaves: list[Any], dims: list[Any]) -> int:
    sizes = [x.shape[d] for x, d in zip(leaves, dims) if d is not None]
    if not sizes:
        raise ArgumentError("vmap: expected at least one Tensor to map over, got in_dims of None alone")
    if len(set(sizes)) > 1:
        raise ArgumentError(f"vmap: expected mapped dimensions of one size, got {sizes}")
    return sizes[0]


def _run(
    func: Callable[..., Any], leaves: list[Any], spec: Any, dims: list[Any], size: int, out_dims: Any, randomness: str
) -> Any:
    state = default_generator.get_state() if randomness == "error" else None
    with new_level(size, randomness) as level:
        given = [x if d is None else batch(x.movedim(d, 0) if d else x, level) for x, d in zip(leaves, dims)]
        args, kwargs = unflatten(given, spec)
        result = func(*args, **kwargs)
    if state is not None and not _core.equal(state, default_generator.get_state()):
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode; use randomness='same' or 'different' to "
            "allow it"
        )
    return _outputs(result, level, out_dims)


def _result_dims(out_dims: Any, spec: Any, results: list[Any]) -> list[Any]:
    dims = spread(out_dims, unflatten(list(results), spec))
    if dims is None or not all(isinstance(d, int) or d is None for d in dims):
        raise ArgumentError(f"vmap: expected out_dims nested like the results, got {out_dims!r}")
    return dims


def _outputs(result: Any, level: Level, out_dims: Any) -> Any:
    results, spec = flatten(result)
    out = []
    for y, d in zip(results, _result_dims(out_dims, spec, results)):
        if not isinstance(y, Tensor):
            raise ArgumentTypeError(f"vmap: expected the function to return Tensors, got {type(y).__name__}")
        value = value_at(y, level)
        if d is None:
            if value is not None:
                raise ArgumentError("vmap: out_dims is None for a result that differs from example to example")
            out.append(y)
            continue
        if value is None:
            value = y.unsqueeze(0).expand(level.size, *y.shape)
        n = value.dim()
        if not -n <= d < n:
            raise ArgumentError(f"vmap: out_dim {d} is out of range for a result of shape {tuple(value.shape)[1:]}")
        out.append(value.movedim(0, d) if d % n else value)
    return unflatten(out, spec)
