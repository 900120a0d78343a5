# SPDX-License-Identifier: MIT
"""Runs ops on samples: NumPy in, plait called, results compared with the reference."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from references import dtypes as dt

import plait

from .spec import BadCall, Dtype, OpSpec, Sample
from .spec import convert_arrays as convert

LAYOUTS = ("contiguous", "transposed", "strided", "offset")


# ---------------------------------------------------------------- NumPy to plait and back


def lookup(name: str) -> Callable | None:
    """The object at a dotted path below plait, or None."""
    target: Any = plait
    for part in name.split("."):
        target = getattr(target, part, None)
        if target is None:
            return None
    return target


def tensor(values: np.ndarray, dtype: str | None = None, layout: str = "contiguous") -> plait.Tensor:
    """A tensor of `dtype` with these values, laid out in memory as told."""
    array = np.ascontiguousarray(values).reshape(np.shape(values))
    t = plait.from_numpy(array.copy())
    if dtype is not None:
        if dt.CATEGORY[dtype] == 2 and dtype in dt.MANTISSA and dtype in ("float16", "bfloat16"):
            t = t.to(plait.float32)
        t = t.to(getattr(plait, dtype))
    return relayout(t, layout)


def relayout(t: plait.Tensor, layout: str) -> plait.Tensor:
    """The same values with other strides; what the surrounding memory holds must not matter."""
    if layout == "contiguous" or t.dim() == 0:
        return t
    if layout == "transposed":
        order = tuple(reversed(range(t.dim())))
        return t.permute(*order).contiguous().permute(*order)
    if layout == "strided":
        room = plait.zeros((*t.shape[:-1], 2 * t.shape[-1] + 1), dtype=t.dtype)
        room.fill_(1)
        view = room[..., 1::2]
    elif layout == "offset":
        room = plait.zeros((t.shape[0] + 2, *t.shape[1:-1], t.shape[-1] + 3), dtype=t.dtype)
        if t.dim() == 1:
            room = plait.zeros((t.shape[0] + 3,), dtype=t.dtype)
            view = room[2:-1]
        else:
            view = room[1:-1, ..., 1:-2]
    else:
        raise AssertionError(layout)
    view.copy_(t)
    return view


def to_numpy(t: plait.Tensor) -> np.ndarray:
    """Values as float64 for floats, unchanged for integers and bool."""
    t = t.detach()
    if t.dtype.is_floating_point:
        return t.double().numpy()
    return t.numpy()


def dtype_name(t: plait.Tensor) -> str:
    return str(t.dtype).rsplit(".", 1)[-1]


def dtype_values(values: np.ndarray, dtype: str) -> np.ndarray:
    """What a float64 sample becomes in `dtype`; other arrays stay."""
    if values.dtype != np.float64:
        return values
    return dt.round_to(values, dtype) if dt.CATEGORY[dtype] == 2 else dt.to_integers(values, dtype)


class Call:
    """A sample bound to a dtype: its tensors, and those of them that take gradients."""

    def __init__(self, spec: OpSpec, sample: Sample, dtype: str, layout: str = "contiguous", *, grad: bool = False):
        self.spec, self.dtype = spec, dtype
        self.inputs: list[plait.Tensor] = []
        args = list(sample.args)
        self.args = tuple(self._bind(a, layout, grad and i not in spec.nograd) for i, a in enumerate(args))
        self.kwargs = {k: self._bind(v, layout, grad and k not in spec.nograd) for k, v in sample.kwargs.items()}

    def _bind(self, value: Any, layout: str, grad: bool) -> Any:
        def leaf(array: np.ndarray) -> plait.Tensor:
            if array.dtype != np.float64:
                return tensor(array, None, layout)
            t = tensor(dtype_values(array, self.dtype), self.dtype, layout)
            if grad:
                t = t.detach().requires_grad_()
                self.inputs.append(t)
            return t

        return convert(value, leaf, lambda name: getattr(plait, name))

    def __call__(self, fn: Callable | None = None) -> Any:
        return (fn or lookup(self.spec.name))(*self.args, **self.kwargs)


def tensors(result: Any) -> list[plait.Tensor]:
    if isinstance(result, plait.Tensor):
        return [result]
    if isinstance(result, (list, tuple)):
        return [t for r in result for t in tensors(r)]
    return []


def run(spec: OpSpec, sample: Sample, dtype: str, layout: str = "contiguous") -> list[plait.Tensor]:
    return tensors(Call(spec, sample, dtype, layout)())


# ---------------------------------------------------------------- references


def reference(spec: OpSpec, sample: Sample, dtype: str, fn: Callable | None = None) -> list[np.ndarray]:
    def leaf(array: np.ndarray) -> np.ndarray:
        values = dtype_values(array, dtype)
        if spec.int_ref_float and array.dtype == np.float64:
            return values.astype(np.float64)
        return values

    args = convert(sample.args, leaf, lambda name: name)
    kwargs = convert(sample.kwargs, leaf, lambda name: name)
    with np.errstate(all="ignore"):
        result = (fn or spec.ref)(*args, **kwargs)
    return [np.asarray(r) for r in (result if isinstance(result, (list, tuple)) else [result])]


def expected_dtypes(spec: OpSpec, sample: Sample, dtype: str, count: int) -> list[str | None]:
    operands: list[tuple[str, str]] = []

    def collect(value: Any) -> None:
        if isinstance(value, np.ndarray):
            name = dtype if value.dtype == np.float64 else value.dtype.name
            operands.append(("tensor" if value.ndim else "zero_dim", name))
        elif isinstance(value, (bool, int, float)):
            operands.append(("scalar", dt.scalar_dtype(value)))
        elif isinstance(value, list):
            for v in value:
                collect(v)

    for arg in sample.args:
        collect(arg)
    tensors_only = [o for o in operands if o[0] != "scalar"]

    def one(rule: str | None) -> str | None:
        if rule is None or rule in dt.CATEGORY:
            return rule
        if rule == "input":
            return dtype
        if rule == "promote":
            return dt.result_type(operands)
        if rule == "where":
            return dt.result_type(operands[1:])
        base = dt.result_type(tensors_only or operands)
        if rule == "float":
            base = dt.result_type(operands)
            return base if dt.CATEGORY[base] == 2 else "float32"
        if rule == "sum":
            return base if dt.CATEGORY[base] == 2 else "int64"
        assert rule == "same", rule
        return base

    if isinstance(spec.out, tuple):
        return [one(r) for r in spec.out]
    return [one(spec.out)] * count


def check_close(
    got: np.ndarray, want: np.ndarray, dtype: str, tol: float, scale: np.ndarray | None = None, context: str = ""
) -> None:
    """|got - want| <= tol ulp, or tol * eps * scale; NaN and infinities in the same places."""
    assert got.shape == want.shape, f"{context}: shape {got.shape}, expected {want.shape}"
    if want.dtype.kind not in "f" or got.dtype.kind not in "f":
        same = got == want
        assert np.all(same), f"{context}: {describe(got, want, ~np.asarray(same))}"
        return
    with np.errstate(all="ignore"):
        rounded = dt.round_to(want, dtype) if dtype in dt.MANTISSA else want
        if scale is None:
            room = tol * dt.spacing(want, dtype)
        else:
            room = tol * dt.eps(dtype) * np.abs(scale)
        room = room + 2.0 ** dt.MIN_EXPONENT[dtype] * (dtype != "float16")  # denormals may be flushed
        error = np.abs(got - np.clip(want, -dt.MAX_FINITE[dtype], dt.MAX_FINITE[dtype]))
        close = error <= room
    same = (got == rounded) | (np.isnan(got) & np.isnan(want)) | (np.isfinite(want) & np.isfinite(got) & close)
    if not np.all(same):
        wrong = ~np.asarray(same)
        worst = np.max((error / (room / max(tol, 1e-30)))[wrong & np.isfinite(error)], initial=0.0)
        raise AssertionError(f"{context}: error {worst:.3g} of {tol:g} allowed; {describe(got, want, wrong)}")


def describe(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    where = np.argwhere(wrong)
    first = tuple(int(i) for i in where[0])
    return f"{len(where)} of {wrong.size} wrong, first at {first}: got {got[first]!r}, expected {want[first]!r}"


def check_values(spec: OpSpec, sample: Sample, dtype: str, layout: str = "contiguous") -> None:
    got = run(spec, sample, dtype, layout)
    want = reference(spec, sample, dtype)
    context = f"{spec.name} {dtype} {show(sample)}"
    assert len(got) == len(want), f"{context}: {len(got)} results, expected {len(want)}"
    if callable(spec.scale):
        scales = reference(spec, sample, dtype, spec.scale)
    else:
        scales = [None if spec.scale is None else np.maximum(np.abs(w), spec.scale) for w in want]
    for i, (g, w, rule) in enumerate(zip(got, want, expected_dtypes(spec, sample, dtype, len(got)))):
        name = dtype_name(g)
        if rule is not None:
            assert name == rule, f"{context}: result {i} has dtype {name}, expected {rule}"
        values = to_numpy(g)
        if dt.CATEGORY[name] == 2:
            w = w.astype(np.float64)
        elif w.dtype.name != name:
            w = w.astype(name)
        scale = scales[i] if i < len(scales) else scales[0]
        check_close(values, w, name, spec.tolerance(name), scale, f"{context} result {i}")


def show(sample: Sample) -> str:
    def brief(value: Any) -> str:
        if isinstance(value, np.ndarray):
            return f"{'x' if value.dtype == np.float64 else value.dtype.name}{list(value.shape)}"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(brief(v) for v in value) + "]"
        return repr(value)

    parts = [brief(a) for a in sample.args] + [f"{k}={brief(v)}" for k, v in sample.kwargs.items()]
    return f"({', '.join(parts)}){' ' + sample.label if sample.label else ''}"


# ---------------------------------------------------------------- gradients


def float_results(result: Any) -> list[plait.Tensor]:
    return [t for t in tensors(result) if t.dtype.is_floating_point]


def cotangents(results: Iterable[plait.Tensor], seed: int = 1) -> list[plait.Tensor]:
    """Fixed random weights of the results: the scalar sum(u * y) reaches every entry of the Jacobian."""
    rng = np.random.default_rng(seed)
    return [tensor(np.asarray(rng.uniform(0.5, 1.5, tuple(y.shape))), dtype_name(y)) for y in results]


def weighted(results: list[plait.Tensor], weights: list[plait.Tensor]) -> plait.Tensor:
    total = (results[0] * weights[0]).sum()
    for y, u in zip(results[1:], weights[1:]):
        total = total + (y * u).sum()
    return total


def gradients(
    call: Call, *, create_graph: bool = False, inputs: list[plait.Tensor] | None = None
) -> list[plait.Tensor]:
    """Of some inputs, or all."""
    inputs = call.inputs if inputs is None else inputs
    results = [y for y in float_results(call()) if y.requires_grad]
    weights = cotangents(results)
    grads = plait.autograd.grad(results, inputs, grad_outputs=weights, create_graph=create_graph, allow_unused=True)
    return [plait.zeros_like(x) if g is None else g for g, x in zip(grads, inputs)]


def numeric_gradient(f: Callable[[], float], x: plait.Tensor, step: float = 1e-6) -> np.ndarray:
    """d f / d x by central differences over every element; `f` reads x, which is changed in place."""
    flat = x.detach().reshape(-1)
    assert flat.numel() == 0 or flat.data_ptr() == x.data_ptr(), "numeric_gradient needs contiguous inputs"
    result = np.zeros(flat.numel())
    with plait.no_grad():
        for i in range(flat.numel()):
            old = flat[i].item()
            flat[i] = old + step
            above = f()
            flat[i] = old - step
            below = f()
            flat[i] = old
            result[i] = (above - below) / (2 * step)
    return result.reshape(tuple(x.shape))


def check_gradients(spec: OpSpec, sample: Sample) -> None:
    call = Call(spec, sample, "float64", grad=True)
    weights: list[plait.Tensor] = []

    def value() -> float:
        results = float_results(call())
        if not weights:
            weights.extend(cotangents(results))
        return weighted(results, weights).item()

    if not any(y.requires_grad for y in float_results(call())):
        raise AssertionError(f"{spec.name} {show(sample)}: no result requires grad")
    analytic = gradients(call)
    for i, (x, g) in enumerate(zip(call.inputs, analytic)):
        compare_numeric(g, numeric_gradient(value, x), f"{spec.name} {show(sample)} gradient {i}")


def check_single_gradients(spec: OpSpec, sample: Sample) -> None:
    """An input's gradient is the same whether the others are wanted or not."""
    call = Call(spec, sample, "float64", grad=True)
    if len(call.inputs) < 2:
        return
    for i, (x, want) in enumerate(zip(call.inputs, gradients(call))):
        (got,) = gradients(call, inputs=[x])
        assert same_bits(got, want), f"{spec.name} {show(sample)} gradient {i} alone: {got}, expected {want}"


def check_recorded_gradients(spec: OpSpec, sample: Sample) -> None:
    """The two forms of backward, kernels and recorded ops, agree: 30 roundings of float64 apart at most."""
    call = Call(spec, sample, "float64", grad=True)
    for i, (kernel, recorded) in enumerate(zip(gradients(call), gradients(call, create_graph=True))):
        got, want = to_numpy(kernel), to_numpy(recorded.detach())
        scale = np.maximum(1.0, np.max(np.abs(want), initial=0.0, where=np.isfinite(want)))
        wrong = ~((np.abs(got - want) <= 30 * 2.0**-52 * scale) | (got == want) | (np.isnan(got) & np.isnan(want)))
        assert not wrong.any(), f"{spec.name} {show(sample)} gradient {i}: {describe(got, want, wrong)}"


def check_saved_values(spec: OpSpec, sample: Sample) -> None:
    """What an op keeps for backward is final when it is kept: a copy made at once gives the same gradients."""
    call = Call(spec, sample, "float64", grad=True)
    plait.manual_seed(0)
    plain = gradients(call)
    plait.manual_seed(0)
    with plait.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        copied = gradients(call)
    for i, (got, want) in enumerate(zip(copied, plain, strict=True)):
        same = np.array_equal(to_numpy(got), to_numpy(want), equal_nan=True)
        assert same, f"{spec.name} {show(sample)} gradient {i} from copies of what was saved"


def check_second_gradients(spec: OpSpec, sample: Sample) -> None:
    call = Call(spec, sample, "float64", grad=True)

    def first() -> plait.Tensor | None:
        grads = [g for g in gradients(call, create_graph=True) if g.requires_grad]
        return weighted(grads, cotangents(grads, seed=2)) if grads else None

    total = first()
    if total is None:  # linear in its inputs: the second derivative is zero
        return
    analytic = plait.autograd.grad(total, call.inputs, allow_unused=True)

    def value() -> float:
        with plait.enable_grad():
            again = first()
        assert again is not None
        return again.item()

    for i, (x, g) in enumerate(zip(call.inputs, analytic)):
        g = plait.zeros_like(x) if g is None else g
        compare_numeric(g, numeric_gradient(value, x), f"{spec.name} {show(sample)} second gradient {i}")


def compare_numeric(got: plait.Tensor, want: np.ndarray, context: str) -> None:
    assert dtype_name(got) == "float64", f"{context}: dtype {got.dtype}"
    values = to_numpy(got)
    assert values.shape == want.shape, f"{context}: shape {values.shape}, expected {want.shape}"
    room = 1e-6 * max(1.0, float(np.max(np.abs(want), initial=0.0))) + 1e-5 * np.abs(want)
    wrong = ~(np.abs(values - want) <= room)
    assert not wrong.any(), f"{context}: {describe(values, want, wrong)}"


def check_low_precision_gradients(spec: OpSpec, sample: Sample, dtype: str, layout: str = "contiguous") -> None:
    """Backward in `dtype` against backward in float64 on the same values."""
    low = Call(spec, sample, dtype, layout, grad=True)
    exact = Call(spec, round_sample(sample, dtype), "float64", grad=True)
    if not low.inputs:
        return
    context = f"{spec.name} {dtype} {show(sample)}"
    got, want = gradients(low), gradients(exact)
    for i, (g, w) in enumerate(zip(got, want)):
        assert dtype_name(g) == dtype, f"{context}: gradient {i} has dtype {g.dtype}"
        expected = to_numpy(w)
        scale = np.maximum(np.abs(expected), np.max(np.abs(expected), initial=1.0, where=np.isfinite(expected)))
        check_close(to_numpy(g), expected, dtype, spec.grad_tol, scale, f"{context} gradient {i}")


def round_sample(sample: Sample, dtype: str) -> Sample:
    def leaf(array: np.ndarray) -> np.ndarray:
        return dtype_values(array, dtype)

    return Sample(convert(sample.args, leaf, Dtype), convert(sample.kwargs, leaf, Dtype), sample.label)


# ---------------------------------------------------------------- bits


def digest(results: Iterable[plait.Tensor]) -> str:
    """Hash of the bits of all results."""
    h = hashlib.sha256()
    for t in results:
        h.update(f"{dtype_name(t)}{tuple(t.shape)}".encode())
        t = t.detach().contiguous()
        if dtype_name(t) == "bfloat16":
            t = t.view(plait.int16)
        h.update(t.numpy().tobytes())
    return h.hexdigest()


def same_bits(a: plait.Tensor, b: plait.Tensor) -> bool:
    return digest([a]) == digest([b])


def forward_and_backward(spec: OpSpec, sample: Sample, dtype: str, layout: str = "contiguous") -> list[plait.Tensor]:
    call = Call(spec, sample, dtype, layout, grad=spec.grad and dt.CATEGORY[dtype] == 2)
    results = tensors(call())
    differentiable = [y for y in results if y.requires_grad]
    if differentiable:
        grads = plait.autograd.grad(
            differentiable, call.inputs, grad_outputs=cotangents(differentiable), allow_unused=True
        )
        results = results + [g for g in grads if g is not None]
    return results


def bad_calls(spec: OpSpec) -> Iterator[BadCall]:
    yield from spec.errors() if spec.errors else ()
