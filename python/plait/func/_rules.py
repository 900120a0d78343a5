# SPDX-License-Identifier: MIT
"""Batching rules: an op on one example, written as ops on all of them.

A rule is called with the op, the level and the arguments. Tensors that are batched at the level hold their values with
the batch as first dimension; all other tensors are the same for every example. It returns values with the batch first.

- pointwise: values get dimensions of size 1 behind the batch, so that the examples broadcast as they would alone;
- along dimensions: dimensions are counted from the front and moved on by one;
- of leading dimensions (convolution, pooling, ...): the batch is folded into them;
- products: matmul with one more leading dimension.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import Tensor
from .._functions import broadcast_shapes
from ._batched import BatchedTensor, Level, batch, one_by_one, rewrap, value_at

__all__ = ["find_rule", "get_item", "set_item"]

Rule = Callable[[Any, Level, Any, dict[str, Any]], Any]
_RULES: dict[str, Rule] = {}


def _words(text: str) -> list[str]:
    return text.split()


def _rule(*names: str) -> Callable[[Rule], Rule]:
    def register(f: Rule) -> Rule:
        for name in names:
            _RULES[name] = f
        return f

    return register


def find_rule(name: str) -> Rule:
    """The rule of an op; the loop over examples where it has none."""
    rule = _RULES.get(name)
    if rule is None:
        if name.endswith("_") and not name.endswith("__"):
            return _in_place
        return _one_random_by_one if name in _RANDOM else one_by_one
    return rule


def _size(x: Tensor) -> tuple[int, ...]:
    return tuple(x.shape)


def _at(dim: int, ndim: int) -> int:
    """A dimension of an example as one of the values."""
    n = max(ndim, 1)
    if not -n <= dim < n:
        raise _core.ArgumentIndexError(f"vmap: expected a dimension from {-n} to {n - 1}, got {dim}")
    return dim % n + 1


def _full(x: Tensor, level: Level) -> Tensor:
    """The values of ``x``, repeated when it is the same for all examples."""
    value = value_at(x, level)
    return x.unsqueeze(0).expand(level.size, *x.shape) if value is None else value


# ---- Pointwise ------------------------------------------------------------------------------------------

_POINTWISE = _words(
    "abs absolute acos acosh add addcdiv addcmul arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh "
    "atan atan2 atanh bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor cast "
    "ceil celu clamp clamp_max clamp_min clip clone contiguous copysign cos cosh deg2rad detach digamma div divide "
    "elu eq erf erfc erfinv exp exp2 expm1 fix float_power floor floor_divide fmax fmin fmod frac frexp gcd ge gelu "
    "greater greater_equal gt hardshrink hardsigmoid hardswish hardtanh heaviside hypot isclose isfinite isinf "
    "isnan isneginf isposinf lcm ldexp le leaky_relu lerp less less_equal lgamma log log10 log1p log2 logaddexp "
    "logaddexp2 logical_and logical_not logical_or logical_xor logit logsigmoid lt maximum minimum mish "
    "mul multiply nan_to_num ne neg negative nextafter not_equal polygamma positive pow rad2deg reciprocal relu "
    "relu6 remainder round rsqrt rsub selu sgn sigmoid sign signbit silu sin sinc sinh softplus softshrink softsign "
    "sqrt square sub subtract tan tanh tanhshrink threshold true_divide trunc xlogy zeros_like ones_like "
    "full_like empty_like _alias alias_copy detach_copy angle conj conj_physical real imag i0 igamma igammac "
    "mvlgamma resolve_conj resolve_neg special_i0 complex polar"
)


def _aligned(tensors: list[Tensor], level: Level, ndim: int = 0) -> list[Tensor]:
    """Values that broadcast, and promote, as the examples do; for results of at least ``ndim`` dimensions."""
    ndim = max(ndim, *(t.dim() for t in tensors))
    wide = [t for t in tensors if t.dim() > 0]
    dtype = _core.result_type(*wide[:2]) if len(wide) > 1 else (wide or tensors)[0].dtype
    out = []
    for t in tensors:
        value = value_at(t, level)
        if value is None:
            # Beside 0-d examples, which are a vector of values, a 0-d tensor would lose its say about the dtype.
            out.append(t.unsqueeze(0) if ndim == 0 else t)
            continue
        if t.dim() == 0 and ndim > 0 and t.dtype != dtype and _core.result_type(_core.ones(1, dtype=dtype), t) == dtype:
            value = value.to(dtype)
        shape = _size(value)
        out.append(value.reshape(shape[:1] + (1,) * (ndim - t.dim()) + shape[1:]) if t.dim() < ndim else value)
    return out


@_rule(*_POINTWISE)
def _pointwise(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    names = [k for k, v in kwargs.items() if isinstance(v, Tensor)]
    tensors = [a for a in args if isinstance(a, Tensor)] + [kwargs[k] for k in names]
    values = iter(_aligned(tensors, level)) if len(tensors) > 1 else iter([_full(tensors[0], level)])
    args = [next(values) if isinstance(a, Tensor) else a for a in args]
    return func(*args, **kwargs | {k: next(values) for k in names})


@_rule("where", "masked_fill")
def _chosen(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """Their condition takes no part in the dtype."""
    names = ("condition", "input", "other") if func.__name__ == "where" else ("input", "mask", "value")
    given = dict(zip(names, args)) | {("input" if k == "self" else k): v for k, v in kwargs.items()}
    if len(given) < 3:
        return one_by_one(func, level, args, kwargs)
    condition = given["condition" if func.__name__ == "where" else "mask"]
    a, b = (given["input"], given["other"]) if func.__name__ == "where" else (given["value"], given["input"])
    if func.__name__ == "masked_fill":
        a = a.to(b.dtype) if isinstance(a, Tensor) else _core.full((), a, dtype=b.dtype)
    ndim = max(t.dim() for t in (condition, a, b) if isinstance(t, Tensor))
    tensors = [t for t in (a, b) if isinstance(t, Tensor)]
    values = iter(_aligned(tensors, level, ndim))
    (c,) = _aligned([condition], level, ndim)
    a, b = (next(values) if isinstance(t, Tensor) else t for t in (a, b))
    return _core.where(c, a, b)


@_rule("max", "min")
def _max(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    both = sum(isinstance(a, Tensor) for a in args) + isinstance(kwargs.get("other"), Tensor)
    return (_pointwise if both > 1 else _flat)(func, level, args, kwargs)


# ---- In place -------------------------------------------------------------------------------------------


def _target(func: Any, level: Level, x: Tensor) -> Tensor:
    value = value_at(x, level)
    if value is None:
        raise RuntimeError(
            f"vmap: {func.__name__} cannot write a result that differs from example to example into a tensor that is "
            f"the same for all\nhint: use {func.__name__.rstrip('_')}, or make the tensor from the input by new_zeros()"
        )
    return value


@_rule("copy_")
def _copy(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, source = args[:2]
    value = _target(func, level, x)
    if isinstance(source, Tensor):
        source = _aligned([x, source], level)[1] if source.dim() <= x.dim() else source
    value.copy_(source)
    return x


@_rule("fill_", "zero_")
def _fill(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, *rest = args
    if rest and isinstance(rest[0], Tensor):
        return _copy(func, level, args, kwargs)
    func(_target(func, level, x), *rest, **kwargs)
    return x


def _in_place(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """``x.op_(...)`` as the op and a copy back."""
    name, x = func.__name__, args[0]
    value = _target(func, level, x)
    if name in _RANDOM:
        rule = _one_random_by_one if level.randomness == "same" else _RANDOM_VALUES.get(name, _one_random_by_one)
        result = rule(lambda t, *a, **k: func(t.clone(), *a, **k), level, args, kwargs)
    else:
        op = getattr(Tensor, name[:-1], None) or getattr(_core, name[:-1])
        result = find_rule(name[:-1])(op, level, args, kwargs)
    if _size(result) != _size(value):
        raise _core.ArgumentError(f"{name}: expected a result of shape {_size(x)}, got {_size(result)[1:]}")
    value.copy_(result)
    return x


# ---- Along dimensions -----------------------------------------------------------------------------------


def _ints(args: Any) -> tuple[Any, ...]:
    """Sizes that were given one by one, or as one sequence."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], list | tuple) else tuple(args)


def _shift(value: Any, ndim: int) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_at(d, ndim) for d in value)
    return value if value is None else _at(value, ndim)


# Which arguments are dimensions: their places behind self, their names, and by how much the example's own number of
# dimensions is exceeded by the result in which they count.
_DIMENSIONS: dict[str, tuple[tuple[tuple[int, str, Any], ...], int]] = {}
for _names, _places, _more in (
    ("softmax log_softmax cumsum cumprod cummax cummin logcumsumexp", ((0, "dim", ...),), 0),
    ("sort argsort mode", ((0, "dim", -1),), 0),
    ("topk kthvalue", ((1, "dim", -1),), 0),
    ("select narrow select_copy narrow_copy index_select", ((0, "dim", ...),), 0),
    ("_slice slice_copy", ((0, "dim", 0),), 0),
    (
        "split split_with_sizes chunk tensor_split unsafe_chunk unsafe_split unsafe_split_with_sizes",
        ((1, "dim", 0),),
        0,
    ),
    ("split_copy split_with_sizes_copy", ((1, "dim", 0),), 0),
    ("unbind unbind_copy", ((0, "dim", 0),), 0),
    ("transpose transpose_copy swapdims", ((0, "dim0", ...), (1, "dim1", ...)), 0),
    ("swapaxes", ((0, "axis0", ...), (1, "axis1", ...)), 0),
    ("movedim moveaxis", ((0, "source", ...), (1, "destination", ...)), 0),
    ("diagonal diagonal_copy", ((1, "dim1", 0), (2, "dim2", 1)), 0),
    ("unfold unfold_copy", ((0, "dimension", ...),), 0),
    ("unflatten", ((0, "dim", ...),), 0),
    ("flatten", ((0, "start_dim", 0), (1, "end_dim", -1)), 0),
    ("unsqueeze unsqueeze_copy", ((0, "dim", ...),), 1),
    ("diag_embed", ((1, "dim1", -2), (2, "dim2", -1)), 1),
    ("logsumexp", ((0, "dim", ...),), 0),
    ("diff", ((1, "dim", -1),), 0),
    ("renorm", ((1, "dim", ...),), 0),
    ("glu", ((0, "dim", -1),), 0),
):
    for _name in _names.split():
        _DIMENSIONS[_name] = (_places, _more)


@_rule(*_DIMENSIONS)
def _along(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, rest = args[0] if args else kwargs.pop("input"), list(args[1:])
    value = value_at(x, level)
    if value is None or any(value_at(a, level) is not None for a in [*rest, *kwargs.values()]):
        return one_by_one(func, level, (x, *rest), kwargs)
    places, more = _DIMENSIONS[func.__name__]
    ndim = x.dim() + more
    scalar = x.dim() == 0 and more == 0
    if scalar:  # it counts as one dimension
        value = value.unsqueeze(-1)
    kwargs = dict(kwargs)
    for place, name, default in places:
        if place < len(rest):
            rest[place] = _shift(rest[place], ndim)
        elif name in kwargs:
            kwargs[name] = _shift(kwargs[name], ndim)
        elif default is not ...:
            kwargs[name] = _shift(default, ndim)
    result = func(value, *rest, **kwargs)
    if not scalar or func.__name__ in ("unsqueeze", "flatten", "unflatten", "unfold"):
        return result
    drop = lambda r: r.squeeze(-1) if r.dim() > 1 else r  # noqa: E731
    return drop(result) if isinstance(result, Tensor) else type(result)(drop(r) for r in result)


_REDUCTIONS = _words("sum nansum mean nanmean any all amax amin var std var_mean std_mean count_nonzero norm")


@_rule(*_REDUCTIONS, "linalg_vector_norm")
def _reduction(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, *rest = args
    kwargs = dict(kwargs)
    place = 1 if func.__name__ in ("norm", "linalg_vector_norm") else 0
    if place == 0 and rest and isinstance(rest[0], bool):  # var(unbiased)
        kwargs["unbiased"] = rest.pop(0)
    if place < len(rest):
        dim = rest.pop(place)
        kwargs.update(
            zip(
                ("unbiased", "keepdim") if "var" in func.__name__ or "std" in func.__name__ else ("keepdim",),
                rest[place:],
            )
        )
        rest = rest[:place]
    else:
        dim = kwargs.pop("dim", None)
    value = value_at(x, level)
    if dim is None or (isinstance(dim, list | tuple) and len(dim) == 0):
        dims = tuple(range(1, x.dim() + 1))
    else:
        dims = tuple(_at(d, x.dim()) for d in ((dim,) if isinstance(dim, int) else dim))
    if x.dim() == 0:
        value, dims = value.unsqueeze(-1), (1,)
        kwargs.pop("keepdim", None)
    return func(value, *rest, dim=dims, **kwargs)


@_rule("argmax", "argmin", "prod", "median", "nanmedian", "aminmax")
def _flat(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """A reduction over one dimension, or over the elements of the example as one row."""
    x, *rest = args
    kwargs = dict(kwargs)
    dim = rest.pop(0) if rest else kwargs.pop("dim", None)
    value = value_at(x, level)
    if dim is not None and x.dim() > 0:
        return func(
            value,
            *((_at(dim, x.dim()), *rest) if func.__name__ != "aminmax" else ()),
            **kwargs | ({"dim": _at(dim, x.dim())} if func.__name__ == "aminmax" else {}),
        )
    kwargs.pop("keepdim", None)
    result = func(value.reshape(level.size, -1), dim=1, **kwargs)
    pair = dim is not None or func.__name__ == "aminmax" or isinstance(result, Tensor)
    return result if pair else result[0]


@_rule("cat", "concat", "concatenate", "stack")
def _joined(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = list(args[0] if args else kwargs["tensors"])
    dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
    more = func.__name__ == "stack"
    ndim = max(t.dim() for t in tensors) + more
    values = [_full(t, level) for t in tensors]
    return func(values, _at(dim, ndim))


@_rule("flip", "roll", "squeeze", "squeeze_copy")
def _by_dims(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, *rest = args
    value, ndim = value_at(x, level), x.dim()
    if func.__name__ == "roll":
        dims = rest[1] if len(rest) > 1 else kwargs.get("dims")
        shifts = rest[0] if rest else kwargs["shifts"]
        if dims is None or dims == () or ndim == 0:
            return func(value.reshape(level.size, -1), shifts, 1).reshape(_size(value))
        return func(value, shifts, _shift(dims, ndim))
    if func.__name__ == "flip":
        dims = _ints(rest or (kwargs["dims"],))
        return func(value, _shift(dims, ndim)) if ndim else value.clone()
    dim = rest[0] if rest else kwargs.get("dim")
    if dim is None:
        dim = [d for d in range(ndim) if x.shape[d] == 1]
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    return func(value, _shift(dims, ndim)) if ndim and dims else value


# ---- Other shapes ---------------------------------------------------------------------------------------


@_rule("view", "reshape", "expand", "broadcast_to", "view_copy", "expand_copy", "repeat", "tile", "permute",
       "permute_copy", "sum_to_size", "_sum_to")  # fmt: skip
def _shaped(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, *rest = args
    value, name = value_at(x, level), func.__name__
    if rest and isinstance(rest[0], _core.dtype):
        return one_by_one(func, level, args, kwargs) if x.dim() == 0 else func(value, *rest)
    sizes = _ints(rest or [v for v in kwargs.values()])
    if name.startswith("permute"):
        return func(value, (0, *_shift(sizes, x.dim())))
    if name in ("view", "reshape", "view_copy"):
        if -1 in sizes:  # said in full: the batch may be empty
            known = math.prod(s for s in sizes if s != -1)
            sizes = tuple((x.numel() // known if known else 0) if s == -1 else s for s in sizes)
        return func(value, (level.size, *sizes))
    # The rest aligns sizes with the last dimensions.
    shape = _size(value)
    if name == "tile":
        sizes = (1,) * (x.dim() - len(sizes)) + sizes
    value = value.reshape(shape[:1] + (1,) * (len(sizes) - x.dim()) + shape[1:])
    if name in ("repeat", "tile"):
        return value.repeat((1, *sizes))
    if name in ("sum_to_size", "_sum_to"):
        wanted = (level.size, *sizes)
        return func(value, (level.size, *(1,) * (x.dim() - len(sizes)), *sizes)).reshape(wanted)
    return func(value, (level.size, *sizes))


@_rule("view_as", "reshape_as", "expand_as")
def _shaped_as(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, other = args
    value = value_at(x, level)
    op = getattr(Tensor, func.__name__.removesuffix("_as"))
    return x if value is None else _shaped(op, level, (x, _size(other)), {})


@_rule(
    "t", "t_copy", "adjoint", "_matrix_transpose", "ravel", "_reverse_dims", "tril", "triu", "pad", "constant_pad_nd"
)
def _last_dimensions(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, *rest = args
    value, name = value_at(x, level), func.__name__
    if name == "ravel":
        return value.reshape(level.size, -1)
    if name == "_reverse_dims":
        return value.permute(0, *range(x.dim(), 0, -1))
    if name in ("t", "t_copy"):
        return value.transpose(1, 2) if x.dim() == 2 else value
    if name == "pad" and ((rest[1] if len(rest) > 1 else kwargs.get("mode", "constant")) != "constant"):
        return _folded(func, level, args, kwargs)
    return func(value, *rest, **kwargs)


@_rule("broadcast_tensors", "meshgrid", "atleast_1d", "atleast_2d", "atleast_3d", "hstack", "vstack", "dstack")
def _by_composition(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    if func.__name__ == "broadcast_tensors":
        tensors = list(_tensors(args))
        values = _aligned(tensors, level)
        shape = (level.size, *broadcast_shapes(*(t.shape for t in tensors)))
        return [v.expand(shape) for v in values]
    return one_by_one(func, level, args, kwargs)


def _tensors(args: Any) -> Any:
    return args[0] if len(args) == 1 and isinstance(args[0], list | tuple) else args


@_rule("new_empty", "new_zeros", "new_ones", "new_full")
def _new(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, *rest = args
    value = value_at(x, level)
    if func.__name__ == "new_full":
        return func(value, (level.size, *_ints([rest[0]])), *rest[1:], **kwargs)
    return func(value, (level.size, *_ints(rest or [kwargs.pop("size")])), **kwargs)


# ---- Products -------------------------------------------------------------------------------------------


@_rule("matmul", "mm", "bmm", "mv", "dot", "vdot")
def _matmul(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    a, b = (*args, *kwargs.values())
    x, z = value_at(a, level), value_at(b, level)
    if z is None and b.dim() == 2 and a.dim() >= 1:  # one matrix for all: one product
        return x.matmul(b)
    if x is None and a.dim() == 2 and b.dim() == 1:
        return z.matmul(a.t())
    x, z = a if x is None else x, b if z is None else z
    # Vectors become rows and columns, and all operands get as many dimensions as the widest example.
    if a.dim() == 1:
        x = x.unsqueeze(-2)
    if b.dim() == 1:
        z = z.unsqueeze(-1)
    ndim = max(a.dim(), b.dim(), 2)

    def widened(t: Tensor, is_batched: bool) -> Tensor:
        shape = _size(t)
        missing = ndim + 1 - len(shape)
        return t.reshape(shape[:1] + (1,) * missing + shape[1:]) if is_batched and missing else t

    y = widened(x, value_at(a, level) is not None).matmul(widened(z, value_at(b, level) is not None))
    if b.dim() == 1:
        y = y.squeeze(-1)
    return y.squeeze(-1 if b.dim() == 1 else -2) if a.dim() == 1 else y


@_rule("linear")
def _linear(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, weight, bias = (
        (*args, kwargs.get("bias"), None)[:3] if len(args) > 1 else (args[0], kwargs["weight"], kwargs.get("bias"))
    )
    if value_at(weight, level) is None and (bias is None or value_at(bias, level) is None):
        return func(value_at(x, level), weight, bias)
    transposed = weight.t() if weight.dim() == 2 else weight
    if value_at(x, level) is None and value_at(weight, level) is None:
        y = func(x, weight).unsqueeze(0)
    else:
        y = _matmul(Tensor.matmul, level, (x, transposed), {})
    if bias is None:
        return y
    return _pointwise(Tensor.add, level, (batch(y.expand(level.size, *_size(y)[1:]), level), bias), {})


@_rule("outer", "ger")
def _outer(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    a, b = args
    x, z = _full(a, level), _full(b, level)
    return x.unsqueeze(-1) * z.unsqueeze(-2)


@_rule("addmm", "addmv", "baddbmm", "addbmm", "addr")
def _added_product(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, a, b = args
    beta, alpha = kwargs.get("beta", 1), kwargs.get("alpha", 1)
    if func.__name__ == "addr":
        y = batch(_outer(func, level, (a, b), {}), level)
    elif not isinstance(a, BatchedTensor) and not isinstance(b, BatchedTensor):
        y = a.matmul(b)
    else:
        y = a.matmul(b)
    if func.__name__ == "addbmm":
        y = y.sum(0)
    y = y if alpha == 1 else y * alpha
    if beta != 0:
        y = (x if beta == 1 else x * beta) + y
    return _full(y, level)


@_rule("_einsum")
def _einsum(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    equation, operands = args
    letter = next(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in equation)
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if not arrow:  # the letters that occur once, in order, behind the dimensions of an ellipsis
        once = sorted({c for c in inputs if c.isalpha() and inputs.count(c) == 1})
        output = ("..." if "..." in inputs else "") + "".join(once)
    values = []
    for i, t in enumerate(operands):
        value = value_at(t, level)
        values.append(t if value is None else value)
        if value is not None:
            terms[i] = letter + terms[i]
    return func(",".join(terms) + "->" + letter + output, values)


@_rule("_tensordot")
def _tensordot(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    a, b, dims_a, dims_b = args
    names = iter("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    left = [next(names) for _ in range(a.dim())]
    right = [next(names) for _ in range(b.dim())]
    for i, j in zip(dims_a, dims_b):
        right[j] = left[i]
    met = {left[i] for i in dims_a}
    output = [c for c in left if c not in met] + [c for c in right if c not in met]
    equation = "".join(left) + "," + "".join(right) + "->" + "".join(output)
    return _einsum(_core._ops._einsum, level, (equation, [a, b]), {})


# ---- Layers whose input has leading dimensions -----------------------------------------------------------


def _spatial(name: str) -> int:
    return next((int(c) for c in name if c.isdigit()), 2)


def _folded(func: Any, level: Level, args: Any, kwargs: dict[str, Any], *, example_dims: int | None = None) -> Any:
    """The batch folded into the first dimension, for ops that treat its entries alike; parameters are the same."""
    x, *rest = args
    value = value_at(x, level)
    if value is None or any(value_at(a, level) is not None for a in [*rest, *kwargs.values()]):
        return one_by_one(func, level, args, kwargs)
    whole = x.dim() if example_dims is None else example_dims
    if x.dim() < whole:  # an example without a leading dimension: the batch is one
        return func(value, *rest, **kwargs)
    shape = _size(value)
    result = func(value.reshape(shape[0] * shape[1], *shape[2:]), *rest, **kwargs)
    unfold = lambda r: r.reshape(*shape[:2], *_size(r)[1:])  # noqa: E731
    return unfold(result) if isinstance(result, Tensor) else tuple(unfold(r) for r in result)


_POOLS = [f"{kind}_pool{n}d" for kind in ("max", "avg", "adaptive_avg", "adaptive_max") for n in (1, 2, 3)]


@_rule("resize_axis")
def _resize_axis(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """Its dimension is counted from the last."""
    return func(_full(args[0], level), *args[1:], **kwargs)


@_rule(*_POOLS)
def _pool(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    return _folded(func, level, args, kwargs, example_dims=_spatial(func.__name__) + 2)


_CONVOLUTIONS = [f"{kind}{n}d" for kind in ("conv", "conv_transpose") for n in (1, 2, 3)]


@_rule(*_CONVOLUTIONS)
def _convolution(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """Weights of each example become groups of channels: (B, O, I, ...) is (B O, I, ...) with B times the groups."""
    transposed = "transpose" in func.__name__
    names = ("input", "weight", "bias", "stride", "padding") + (
        ("output_padding", "groups", "dilation") if transposed else ("dilation", "groups")
    )
    given = dict(zip(names, args)) | kwargs
    x, weight, bias = given.pop("input"), given.pop("weight"), given.pop("bias", None)
    if value_at(weight, level) is None and (bias is None or value_at(bias, level) is None):
        return _folded(
            lambda v: func(v, weight, bias, **given), level, (x,), {}, example_dims=_spatial(func.__name__) + 2
        )
    single = x.dim() == _spatial(func.__name__) + 1
    values = _full(x.unsqueeze(0) if single else x, level)  # (B, N, C, ...)
    weights = _full(weight, level)
    size, groups = level.size, given.pop("groups", 1)
    shape = _size(values)
    grouped = values.movedim(0, 1).reshape(shape[1], size * shape[2], *shape[3:])
    kernel = weights.reshape(size * weights.shape[1], *_size(weights)[2:])
    y = func(grouped, kernel, None, groups=size * groups, **given)
    y = y.reshape(shape[1], size, y.shape[1] // size, *_size(y)[2:]).movedim(1, 0)
    if bias is not None:
        b = _full(bias, level)
        y = y + b.reshape(size, 1, b.shape[1], *(1,) * (y.dim() - 3))
    return y.squeeze(1) if single else y


@_rule("layer_norm", "rms_norm")
def _layer_norm(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    names = ("input", "normalized_shape", "weight") + (("bias", "eps") if func.__name__ == "layer_norm" else ("eps",))
    given = dict(zip(names, args)) | kwargs
    x, shape = given.pop("input"), given.pop("normalized_shape")
    weight, bias = given.pop("weight", None), given.pop("bias", None)
    same = all(t is None or value_at(t, level) is None for t in (weight, bias))
    if same and value_at(x, level) is not None:
        extra = {"bias": bias} if func.__name__ == "layer_norm" else {}
        return func(value_at(x, level), shape, weight=weight, **extra, **given)
    y = batch(func(_full(x, level), shape, **given), level)
    y = y if weight is None else y * weight
    return _full(y if bias is None else y + bias, level)


@_rule("group_norm")
def _group_norm(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    given = dict(zip(("input", "num_groups", "weight", "bias", "eps"), args)) | kwargs
    x, groups = given.pop("input"), given.pop("num_groups")
    weight, bias = given.pop("weight", None), given.pop("bias", None)
    y = x if value_at(x, level) is None else batch(_folded(func, level, (x, groups), given), level)
    if value_at(x, level) is None:
        y = func(x, groups, **given)
    of_channels = lambda t: t.reshape(-1, *(1,) * (x.dim() - 2))  # noqa: E731
    y = y if weight is None else y * of_channels(weight)
    return _full(y if bias is None else y + of_channels(bias), level)


@_rule("batch_norm")
def _batch_norm(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """The channels of all examples as channels of one batch: (B, N, C, ...) is (N, B C, ...)."""
    names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    given = dict(zip(names, args)) | kwargs
    x, training = given.pop("input"), given.pop("training", False)
    running = [given.pop(k, None) for k in ("running_mean", "running_var")]
    if training and any(r is not None and value_at(r, level) is None for r in running):
        raise RuntimeError(
            "vmap: batch_norm would write running statistics that differ from example to example into those that all "
            "share\nhint: use track_running_stats=False or replace_all_batch_norm_modules_"
        )
    values = _full(x, level)
    shape, size = _size(values), level.size
    flat = [None if r is None else _full(r, level).reshape(-1) for r in running]
    affine = [None if given.get(k) is None else _full(given[k], level).reshape(-1) for k in ("weight", "bias")]
    rest = {k: given[k] for k in ("momentum", "eps") if k in given}
    channels = values.movedim(0, 1).reshape(shape[1], size * shape[2], *shape[3:])
    y = func(channels, *flat, *affine, training=training, **rest)
    for r, f in zip(running, flat):
        if training and r is not None:
            value_at(r, level).copy_(f.reshape(size, -1))
    return y.reshape(shape[1], size, *shape[2:]).movedim(1, 0)


_LOSSES = "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div"


@_rule(*_LOSSES.split(), "nll_loss", "cross_entropy")
def _loss(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """Without a reduction the batch is one more dimension; then the reduction of each example."""
    name = func.__name__
    x, target, *rest = args
    options = dict(kwargs)
    simple = not rest and not {"size_average", "reduce"} & options.keys()
    plain_weights = all(value_at(v, level) is None for v in options.values())
    classes = name in ("nll_loss", "cross_entropy")
    if (
        not simple
        or not plain_weights
        or (classes and (options.get("weight") is not None or target.is_floating_point()))
    ):
        return one_by_one(func, level, args, kwargs)
    reduction = options.pop("reduction", "mean")
    if not classes:
        if x.shape != target.shape or any(isinstance(v, Tensor) for v in options.values()):
            return one_by_one(func, level, args, kwargs)
        losses = func(_full(x, level), _full(target, level), reduction="none", **options)
    else:
        losses = _class_losses(func, level, x, target, options)
    if reduction == "none":
        return losses
    flat = losses.reshape(level.size, -1)
    if reduction == "sum":
        return flat.sum(1)
    if reduction == "batchmean":
        return flat.sum(1) / (x.shape[0] if x.dim() else 1)
    if classes:  # entries that are ignored do not count
        counted = (_full(target, level) != options.get("ignore_index", -100)).reshape(level.size, -1).sum(1)
        return flat.sum(1) / counted
    return flat.mean(1)


def _class_losses(func: Any, level: Level, x: Tensor, target: Tensor, options: dict[str, Any]) -> Tensor:
    values, targets = _full(x, level), _full(target, level)
    if x.dim() == 1:  # (C) and ()
        return func(values, targets, reduction="none", **options)
    shape, wanted = _size(values), _size(targets)
    losses = func(
        values.reshape(shape[0] * shape[1], *shape[2:]),
        targets.reshape(wanted[0] * wanted[1], *wanted[2:]),
        reduction="none",
        **options,
    )
    return losses.reshape(wanted)


# ---- Indexing -------------------------------------------------------------------------------------------


@_rule("embedding")
def _embedding(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    index, weight, *rest = args
    indices, weights = value_at(index, level), value_at(weight, level)
    if weights is None:
        return func(indices, weight, *rest)
    if indices is None:
        if len(rest) > 0 and (rest[0] is not None or rest[-1]):
            return one_by_one(func, level, args, kwargs)
        return weights.index_select(1, index.reshape(-1)).reshape(level.size, *_size(index), weights.shape[2])
    if len(rest) > 0 and (rest[0] is not None or rest[-1]):
        return one_by_one(func, level, args, kwargs)
    # Row r of example b is row b V + r of all tables.
    first = _core.arange(level.size).reshape(-1, *(1,) * index.dim()) * weights.shape[1]
    return func(indices + first, weights.reshape(-1, weights.shape[2]), *rest)


@_rule("gather", "scatter", "scatter_add", "scatter_reduce", "take_along_dim")
def _gather(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    x, *rest = args
    if x.dim() == 0 or (func.__name__ == "take_along_dim" and len(rest) + len(kwargs) < 2):
        return one_by_one(func, level, args, kwargs)
    rest = [
        _full(a, level)
        if isinstance(a, Tensor)
        else _at(a, x.dim())
        if isinstance(a, int) and i == _dim_place(func)
        else a
        for i, a in enumerate(rest)
    ]
    kwargs = {
        k: _full(v, level) if isinstance(v, Tensor) else _at(v, x.dim()) if k == "dim" and isinstance(v, int) else v
        for k, v in kwargs.items()
    }
    return func(_full(x, level), *rest, **kwargs)


def _dim_place(func: Any) -> int:
    return 1 if func.__name__ == "take_along_dim" else 0


@_rule("_index", "index_put")
def _index(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """With integers, the number of the example is one more index, in front."""
    x, indices, *rest = args
    indices = list(indices)
    given = [i for i in indices if i is not None]
    if any(i.dtype == _core.bool for i in given):
        return one_by_one(func, level, args, kwargs)
    value = _full(x, level)
    shape = broadcast_shapes(*(i.shape for i in given))
    places = [i for i, t in enumerate(indices) if t is not None]
    together = places == list(range(places[0], places[-1] + 1))
    if not any(value_at(i, level) is not None for i in given) and func.__name__ == "_index" and together:
        return func(value, [None, *indices])
    if not (together and places[0] == 0):  # dimensions of slices would move to the front
        return one_by_one(func, level, args, kwargs)
    number = _core.arange(level.size).reshape(-1, *(1,) * len(shape))
    moved = _aligned([*given, batch(_core.zeros(level.size, *shape, dtype=_core.int64), level)], level)[:-1]
    every = [number, *moved]
    if func.__name__ == "_index":
        return func(value, every)
    values, *more = rest
    if isinstance(values, Tensor):
        target = (level.size, *shape, *_size(x)[len(indices) :])
        values = _aligned([values, batch(_core.zeros(()).expand(target), level)], level)[0].expand(target)
    return func(value, every, values, *more, **kwargs)


def get_item(x: Any, index: Any) -> Tensor:
    """``x[index]`` of an example."""
    level, value = x._level, x._value
    parts = index if isinstance(index, tuple) else (index,)
    if all(p is None or p is Ellipsis or (isinstance(p, int | slice) and not isinstance(p, bool)) for p in parts):
        return batch(value[(slice(None), *parts)], level)
    tensors = [_core.as_tensor(p) if isinstance(p, list) else p for p in parts]
    if all(
        (p is not None and isinstance(p, Tensor | slice) and p in (slice(None),)) or isinstance(p, Tensor)
        for p in tensors
    ):
        return _core._ops._index(x, [p if isinstance(p, Tensor) else None for p in tensors])
    return rewrap(one_by_one(_take_item, level, (x, list(tensors)), {}), level)


def _take_item(x: Tensor, parts: list[Any]) -> Tensor:
    return x[tuple(parts)]


def set_item(x: Any, index: Any, value: Any) -> None:
    """``x[index] = value`` of an example."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(p is None or p is Ellipsis or (isinstance(p, int | slice) and not isinstance(p, bool)) for p in parts):
        x[index].copy_(value) if isinstance(value, Tensor) else x[index].fill_(value)
        return
    if len(parts) == 1 and isinstance(index, Tensor) and index.dtype == _core.bool and index.shape == x.shape:
        if not isinstance(value, Tensor) or value.dim() == 0:
            x.copy_(_core.where(index, value, x))
            return

    def put(example: Tensor, source: Any, *given: Any) -> Tensor:
        changed = example.clone()
        changed[tuple(given)] = source
        return changed

    put.__name__ = "__setitem__"
    x.copy_(rewrap(one_by_one(put, x._level, (x, value, *parts), {}), x._level))


# ---- Random numbers -------------------------------------------------------------------------------------

_RANDOM = set(
    _words(
        "rand_like randn_like randint_like bernoulli multinomial normal dropout dropout_ bernoulli_ uniform_ "
        "normal_ log_normal_ cauchy_ exponential_ geometric_ random_ poisson binomial rrelu"
    )
)


def _check_random(level: Level, name: str) -> None:
    if level.randomness == "error":
        raise RuntimeError(
            f"vmap: called random operation {name} while in randomness error mode; use randomness='same' or "
            "'different' to allow it"
        )


def _one_random_by_one(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """Each example alone: with the same numbers, or with its own."""
    _check_random(level, getattr(func, "__name__", "_"))
    if level.randomness == "different":
        return one_by_one(func, level, args, kwargs)
    state = _core.default_generator.get_state()

    def again(*a: Any, **k: Any) -> Any:
        _core.default_generator.set_state(state)
        return func(*a, **k)

    again.__name__ = getattr(func, "__name__", "_")
    return one_by_one(again, level, args, kwargs)


def _random_values(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """Ops that treat elements alike: all examples at once where each has numbers of its own."""
    _check_random(level, getattr(func, "__name__", "_"))
    if level.randomness == "same" or isinstance(args[0], float):
        return _one_random_by_one(func, level, args, kwargs)
    if func.__name__ == "dropout" and not (
        args[2] if len(args) > 2 else kwargs.get("training", kwargs.get("train", True))
    ):
        return value_at(args[0], level)
    return _pointwise(func, level, args, kwargs)


_RANDOM_VALUES = dict.fromkeys(_RANDOM - {"multinomial", "dropout_", "poisson", "binomial", "rrelu"}, _random_values)
_RULES.update({name: rule for name, rule in _RANDOM_VALUES.items() if not name.endswith("_")})


@_rule("dropout")
def _dropout(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    given = dict(zip(("input", "p", "training", "inplace"), args)) | kwargs
    training = given.get("training", given.get("train", True))
    if not training or given.get("p", 0.5) == 0:
        return value_at(given["input"], level)
    return _random_values(func, level, args, kwargs)
