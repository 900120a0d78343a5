# SPDX-License-Identifier: MIT
"""Functions that compute derivatives of functions.

Reverse mode throughout: a product of the Jacobian with a vector comes from differentiating the product from the other
side, J v = d(u^T J)/du v, which needs a derivative of each op's backward and no separate rules.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .. import _core
from .._core import ArgumentError, ArgumentTypeError, Tensor
from ..autograd.grad_mode import enable_grad
from ..autograd.run import grad as _autograd_grad
from ._batched import BatchedTensor, batch, lift, value_at
from ._tree import flatten, unflatten

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "vjp"]

_depth = 0  # of the derivatives that are being computed


@contextmanager
def _differentiating() -> Iterator[None]:
    global _depth
    _depth += 1
    try:
        with enable_grad():
            yield
    finally:
        _depth -= 1


def _check_floats(name: str, leaves: list[Any]) -> None:
    for x in leaves:
        if not isinstance(x, Tensor):
            raise ArgumentTypeError(f"{name}: expected Tensors to differentiate by, got {type(x).__name__}")
        if not (x.is_floating_point() or x.is_complex()):
            raise ArgumentTypeError(f"{name}: expected a floating-point dtype to differentiate by, got {x.dtype}")


def _leaf(x: Tensor) -> Tensor:
    """A handle on ``x`` to differentiate by; derivatives of an outer function go through it."""
    x = lift(x)
    return x.view_as(x) if x.requires_grad else x.detach().requires_grad_()


def _leaves_behind(y: Tensor) -> set[int]:
    """The tensors without history that ``y`` was computed from, by identity."""
    while isinstance(y, BatchedTensor):
        y = y._value
    found: set[int] = set()
    if y.grad_fn is None:
        return {id(y)} if y.requires_grad else found
    todo, seen = [y.grad_fn], set()
    while todo:
        node = todo.pop()
        for following, _ in node.next_functions:
            if following is None or id(following) in seen:
                continue
            seen.add(id(following))
            variable = getattr(following, "variable", None)
            if variable is not None:
                found.add(id(variable))
            todo.append(following)
    return found


def _differentiated_again(ys: list[Tensor], xs: list[Tensor]) -> bool:
    """Whether a derivative has to be recorded: another one is running, or something outside requires grad."""
    if _depth > 1 or any(not _plain(x).is_leaf for x in xs):
        return True
    own = {id(_plain(x)) for x in xs}
    return any(_leaves_behind(y) - own for y in ys)


def _plain(x: Tensor) -> Tensor:
    while isinstance(x, BatchedTensor):
        x = x._value
    return x


def _gradients(ys: list[Tensor], xs: list[Tensor], seeds: list[Tensor], create_graph: bool) -> list[Tensor]:
    """sum(seed^T dy/dx) for each x, of every example that they are batched over; 0 where nothing depends on x."""
    levels = [t._level for t in [*ys, *xs, *seeds] if isinstance(t, BatchedTensor)]
    if not levels:
        used = [(y, s) for y, s in zip(ys, seeds) if y.requires_grad]
        if not used:
            return [_core.zeros_like(x) for x in xs]
        gs = _autograd_grad(
            [y for y, _ in used],
            xs,
            [s for _, s in used],
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
        )
        return [_core.zeros_like(x) if g is None else g for g, x in zip(gs, xs)]
    level = max(levels, key=lambda a: a.depth)
    at = lambda t: value_at(t, level)  # noqa: E731
    if any(at(x) is not None for x in xs):
        # Examples do not mix: the gradient of their sum holds that of each.
        kept = [(y, s) for y, s in zip(ys, seeds) if at(y) is not None]
        full = [at(s) if at(s) is not None else s.unsqueeze(0).expand(level.size, *s.shape) for _, s in kept]
        gs = _gradients([at(y) for y, _ in kept], [at(lift(x, [level])) for x in xs], full, create_graph)
        return [batch(g, level) for g in gs]
    # Only the seeds differ: one pass for each.
    rows = []
    for i in range(level.size):
        one = [at(s).select(0, i) if at(s) is not None else s for s in seeds]
        rows.append(_gradients(ys, xs, one, create_graph))
    return [batch(_core.stack(list(g)), level) for g in zip(*rows)]


def grad_of_examples(outputs: Any, inputs: Any, grad_outputs: Any, create_graph: bool) -> tuple[Tensor, ...]:
    """``autograd.grad`` inside vmap; 0 for an input that does not matter."""
    ys, xs = ([t] if isinstance(t, Tensor) else list(t) for t in (outputs, inputs))
    seeds = [grad_outputs] if isinstance(grad_outputs, Tensor) or grad_outputs is None else list(grad_outputs)
    seeds += [None] * (len(ys) - len(seeds))
    for y, s in zip(ys, seeds):
        if s is None and y.numel() != 1:
            raise RuntimeError(f"grad: expected grad_outputs for an output of shape {tuple(y.shape)}")
        if s is not None and s.shape != y.shape:
            raise ArgumentError(f"grad: expected a gradient of shape {tuple(y.shape)}, got {tuple(s.shape)}")
    full = [_core.ones_like(y) if s is None else s for y, s in zip(ys, seeds)]
    return tuple(_gradients(ys, xs, full, create_graph))


def _picked(name: str, args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> tuple[list[Any], Any, list[int]]:
    """The leaves of the arguments to differentiate by, their structure, and the arguments' places."""
    places = [argnums] if isinstance(argnums, int) else list(argnums)
    if not places:
        raise ArgumentError(f"{name}: expected argnums of at least one argument, got {argnums}")
    for p in places:
        if not -len(args) <= p < len(args):
            raise ArgumentError(f"{name}: argnums {p} is out of range for {len(args)} arguments")
    places = [p % len(args) for p in places]
    if len(set(places)) != len(places):
        raise ArgumentError(f"{name}: argnums {argnums} name an argument twice")
    chosen = args[places[0]] if isinstance(argnums, int) else tuple(args[p] for p in places)
    leaves, spec = flatten(chosen)
    _check_floats(name, leaves)
    return leaves, spec, places


def _with(args: tuple[Any, ...], places: list[int], chosen: Any, single: bool) -> list[Any]:
    out = list(args)
    for p, value in zip(places, [chosen] if single else chosen):
        out[p] = value
    return out


def _detached(tree: Any, keep: bool) -> Any:
    if keep:
        return tree
    leaves, spec = flatten(tree)
    return unflatten([x.detach() if isinstance(x, Tensor) else x for x in leaves], spec)


def _split_aux(name: str, result: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise ArgumentTypeError(
            f"{name}: with has_aux expected the function to return a tuple of two, got {type(result).__name__}"
        )
    return result


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that computes the gradient of ``func`` and its value.

    Args:
        func: returns one tensor of one element, or a tuple of it and something else with ``has_aux``.
        argnums: which arguments to differentiate by, each a tensor or a container of tensors. Default: 0.
        has_aux: whether ``func`` returns a second thing, which is passed on. Default: ``False``.

    Returns:
        A function of the same arguments that returns (gradient, value), with ``has_aux`` (gradient, (value, aux)).

    Raises:
        ValueError: ``argnums`` out of range. TypeError: what is no floating-point tensor.

    Example:
        >>> import plait
        >>> plait.func.grad_and_value(lambda x: (x * x).sum())(plait.tensor([1.0, 2.0]))
        (tensor([2., 4.]), tensor(5.))
    """

    @functools.wraps(func)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        leaves, spec, places = _picked("grad", args, argnums)
        with _differentiating():
            xs = [_leaf(x) for x in leaves]
            single = isinstance(argnums, int)
            result = func(*_with(args, places, unflatten(list(xs), spec), single), **kwargs)
            y, aux = _split_aux("grad", result, has_aux)
            if not isinstance(y, Tensor):
                raise ArgumentTypeError(f"grad: expected the function to return a Tensor, got {type(y).__name__}")
            if y.dim() != 0:
                raise ArgumentError(f"grad: expected the function to return a 0-d tensor, got shape {tuple(y.shape)}")
            again = _differentiated_again([y], xs)
            gs = _gradients([y], xs, [_core.ones_like(y)], again)
        gradient = unflatten(gs, spec)
        y, aux = _detached(y, again), _detached(aux, again)
        return gradient, ((y, aux) if has_aux else y)

    return differentiated


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes the gradient of ``func``; gradients of gradients as often as wanted.

    Args:
        func: returns one tensor of one element, or a tuple of it and something else with ``has_aux``.
        argnums: which arguments to differentiate by, each a tensor or a container of tensors. Default: 0.
        has_aux: whether ``func`` returns a second thing, which is passed on. Default: ``False``.

    Returns:
        A function of the same arguments that returns the gradient, with ``has_aux`` (gradient, aux).

    Raises:
        ValueError: ``argnums`` out of range. TypeError: what is no floating-point tensor.

    Example:
        >>> import plait
        >>> from plait.func import grad
        >>> grad(grad(lambda x: x**3))(plait.tensor(2.0))
        tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        g, value = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def _outputs(name: str, result: Any) -> tuple[list[Tensor], Any]:
    ys, spec = flatten(result)
    for y in ys:
        if not isinstance(y, Tensor):
            raise ArgumentTypeError(f"{name}: expected the function to return Tensors, got {type(y).__name__}")
    return ys, spec


def _like(name: str, given: Any, wanted: list[Tensor], what: str) -> list[Tensor]:
    leaves, _ = flatten(given)
    if len(leaves) != len(wanted) or any(a.shape != b.shape for a, b in zip(leaves, wanted)):
        raise ArgumentError(
            f"{name}: expected {what} of shapes {[tuple(t.shape) for t in wanted]}, got "
            f"{[tuple(t.shape) if isinstance(t, Tensor) else type(t).__name__ for t in leaves]}"
        )
    return leaves


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """``func(*primals)``, and a function that multiplies a vector from the left with its Jacobian there.

    Args:
        func: returns tensors or containers of them, with ``has_aux`` a tuple of them and something else.
        primals: the arguments, tensors or containers of tensors.
        has_aux: whether ``func`` returns a second thing, which is passed on. Default: ``False``.

    Returns:
        The value and a function of cotangents, which are like the value; with ``has_aux`` also aux. The function
        returns products like the primals: one, or a tuple for several.

    Raises:
        TypeError: what is no floating-point tensor. ValueError: cotangents of other shapes.

    Example:
        >>> import plait
        >>> y, pullback = plait.func.vjp(plait.sin, plait.zeros(2))
        >>> pullback(plait.ones(2))
        (tensor([1., 1.]),)
    """
    leaves, spec = flatten(primals)
    _check_floats("vjp", leaves)
    with _differentiating():
        xs = [_leaf(x) for x in leaves]
        result, aux = _split_aux("vjp", func(*unflatten(list(xs), spec)), has_aux)
        ys, out_spec = _outputs("vjp", result)
        again = _differentiated_again(ys, xs)
    outer = _depth > 0

    def pullback(*cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given = cotangents[0] if len(cotangents) == 1 else cotangents
        seeds = _like("vjp", given, ys, "cotangents")
        with enable_grad():
            record = again or outer or any(s.requires_grad for s in seeds)
            gs = _gradients(ys, xs, seeds, record if create_graph is None else create_graph)
        return unflatten(gs, spec)

    value = unflatten([y if again or outer else y.detach() for y in ys], out_spec)
    return (value, pullback, _detached(aux, again or outer)) if has_aux else (value, pullback)


class _Linear:
    """J v for changing v, after one run of the function: u^T J is linear in u, and its derivative by u is J."""

    def __init__(self, name: str, func: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool) -> None:
        leaves, self.in_spec = flatten(primals)
        _check_floats(name, leaves)
        self.name = name
        with _differentiating():
            self.xs = [_leaf(x) for x in leaves]
            result, aux = _split_aux(name, func(*unflatten(list(self.xs), self.in_spec)), has_aux)
            self.ys, self.spec = _outputs(name, result)
            self.again = _differentiated_again(self.ys, self.xs)
            self.us = [_core.zeros_like(lift(y)).requires_grad_() for y in self.ys]
            self.gs = _gradients(self.ys, self.xs, self.us, True)
        keep = self.again or _depth > 0
        self.value = unflatten([y if keep else y.detach() for y in self.ys], self.spec)
        self.aux = _detached(aux, keep)

    def __call__(self, tangents: Any) -> Any:
        vs = _like(self.name, tangents, self.xs, "tangents")
        with enable_grad():
            record = self.again or _depth > 0 or any(v.requires_grad for v in vs)
            ts = _gradients(self.gs, self.us, vs, record)
        return unflatten(ts, self.spec)


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """``func(*primals)`` and the product of its Jacobian there with ``tangents``.

    Computed by two passes of reverse mode, so every op on the way needs a second derivative.

    Args:
        func: returns tensors or containers of them, with ``has_aux`` a tuple of them and something else.
        primals: a tuple of the arguments.
        tangents: a tuple like it.
        strict: accepted; a value that does not depend on an argument has tangent 0.
        has_aux: whether ``func`` returns a second thing, which is passed on. Default: ``False``.

    Returns:
        (value, tangent), with ``has_aux`` (value, tangent, aux).

    Raises:
        TypeError: what is no tuple or no floating-point tensor. ValueError: tangents of other shapes.

    Example:
        >>> import plait
        >>> plait.func.jvp(lambda x: x * x, (plait.tensor([3.0]),), (plait.tensor([1.0]),))
        (tensor([9.]), tensor([6.]))
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise ArgumentTypeError(
            f"jvp: expected tuples of primals and tangents, got {type(primals).__name__} and {type(tangents).__name__}"
        )
    linear = _Linear("jvp", func, primals, has_aux)
    out = (linear.value, linear(tangents))
    return (*out, linear.aux) if has_aux else out


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """``func(*primals)``, and the function's Jacobian there as a function of tangents.

    ``func`` runs once; see :func:`jvp`.

    Args:
        func: returns tensors or containers of them.
        primals: the arguments.

    Returns:
        The value, and a function that takes tangents like the primals and returns one like the value.

    Raises:
        TypeError: what is no floating-point tensor. ValueError: tangents of other shapes.

    Example:
        >>> import plait
        >>> y, tangent_of = plait.func.linearize(plait.exp, plait.zeros(2))
        >>> tangent_of(plait.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """
    linear = _Linear("linearize", func, primals, False)
    return linear.value, lambda *tangents: linear(tangents)


def _jacobian(
    name: str, func: Callable[..., Any], argnums: int | tuple[int, ...], has_aux: bool, rows: Callable[..., Any]
) -> Callable[..., Any]:
    """``rows(ys, xs, of_args, again)``: for each y and x their block of shape y.shape + x.shape."""

    @functools.wraps(func)
    def jacobian(*args: Any) -> Any:
        leaves, spec, places = _picked(name, args, argnums)
        single = isinstance(argnums, int)

        def of_chosen(chosen: Any) -> Any:
            return func(*_with(args, places, chosen, single))

        y_spec, blocks, aux = rows(of_chosen, leaves, spec)
        return (unflatten(blocks, y_spec), aux) if has_aux else unflatten(blocks, y_spec)

    return jacobian


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that computes the Jacobian of ``func`` row by row: one pass for each element of its value.

    Args:
        func: returns tensors or containers of them, with ``has_aux`` a tuple of them and something else.
        argnums: which arguments to differentiate by. Default: 0.
        has_aux: whether ``func`` returns a second thing, which is passed on. Default: ``False``.
        chunk_size: accepted; rows are computed one after the other.

    Returns:
        A function of the same arguments. Where ``func`` returns a tensor and differentiates by one: shape
        ``value.shape + argument.shape``; else nested, values outside, arguments inside.

    Raises:
        ValueError: ``argnums`` out of range. TypeError: what is no floating-point tensor.

    Example:
        >>> import plait
        >>> plait.func.jacrev(lambda x: x * x)(plait.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """

    def rows(of_chosen: Callable[..., Any], leaves: list[Any], spec: Any) -> Any:
        value, pullback, *aux = vjp(of_chosen, unflatten(list(leaves), spec), has_aux=has_aux)
        ys, y_spec = flatten(value)
        blocks = []
        for k, y in enumerate(ys):
            parts: list[list[Tensor]] = [[] for _ in leaves]
            for i in range(y.numel()):
                seeds = [_core.zeros_like(t) for t in ys]
                seeds[k] = _unit(y, i)
                (product,) = pullback(unflatten(seeds, y_spec))
                for part, g in zip(parts, flatten(product)[0]):
                    part.append(g)
            blocks.append(unflatten([_as_block(p, y, x) for p, x in zip(parts, leaves)], spec))
        return y_spec, blocks, aux[0] if aux else None

    return _jacobian("jacrev", func, argnums, has_aux, rows)


def _unit(y: Tensor, i: int) -> Tensor:
    """A tensor of y's shape, 1 at element ``i`` and 0 elsewhere."""
    unit = _core.zeros(y.numel(), dtype=y.dtype)
    unit[i] = 1
    return unit.reshape(y.shape)


def _as_block(rows: list[Tensor], y: Tensor, x: Tensor) -> Tensor:
    if not rows:
        return x.new_zeros((*y.shape, *x.shape))
    return _core.stack(rows).reshape(*y.shape, *x.shape)


def jacfwd(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """A function that computes the Jacobian of ``func`` column by column: one pass for each element of an argument.

    Args:
        func: returns tensors or containers of them, with ``has_aux`` a tuple of them and something else.
        argnums: which arguments to differentiate by. Default: 0.
        has_aux: whether ``func`` returns a second thing, which is passed on. Default: ``False``.
        randomness: accepted; ``func`` runs once.

    Returns:
        What :func:`jacrev` gives.

    Raises:
        ValueError: ``argnums`` out of range. TypeError: what is no floating-point tensor.

    Example:
        >>> import plait
        >>> plait.func.jacfwd(lambda x: x.sum() * x)(plait.tensor([1.0, 2.0]))
        tensor([[4., 1.],
                [2., 5.]])
    """

    def columns(of_chosen: Callable[..., Any], leaves: list[Any], spec: Any) -> Any:
        linear = _Linear("jacfwd", of_chosen, (unflatten(list(leaves), spec),), has_aux)
        ys = linear.ys
        found: list[list[list[Tensor]]] = [[[] for _ in leaves] for _ in ys]
        for j, x in enumerate(leaves):
            for i in range(x.numel()):
                tangents = [_core.zeros_like(t) for t in leaves]
                tangents[j] = _unit(x, i)
                for k, t in enumerate(flatten(linear((unflatten(tangents, spec),)))[0]):
                    found[k][j].append(t)
        blocks = []
        for y, parts in zip(ys, found):
            by_argument = []
            for columns, x in zip(parts, leaves):
                block = _as_block(columns, x, y)  # (x, y)
                n = x.dim()
                by_argument.append(block.movedim(tuple(range(n)), tuple(range(-n, 0))) if n else block)
            blocks.append(unflatten(by_argument, spec))
        return linear.spec, blocks, linear.aux

    return _jacobian("jacfwd", func, argnums, has_aux, columns)


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that computes the second derivatives of ``func``.

    Args:
        func: returns a tensor; for one of one element the result is the Hessian matrix.
        argnums: which arguments to differentiate by. Default: 0.

    Returns:
        A function of the same arguments; shape ``value.shape + argument.shape + argument.shape``.

    Raises:
        ValueError: ``argnums`` out of range. TypeError: what is no floating-point tensor.

    Example:
        >>> import plait
        >>> plait.func.hessian(lambda x: (x**3).sum())(plait.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)
