# SPDX-License-Identifier: MIT
"""An op is the same as function, as method, in place and with out=; layouts of the inputs change no bit."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from op_table import SPECS
from op_table.harness import (
    LAYOUTS,
    Call,
    check_close,
    digest,
    dtype_name,
    reference,
    run,
    same_bits,
    show,
    tensors,
    to_numpy,
)
from op_table.spec import OpSpec, Sample

import plait


def usable(spec: OpSpec) -> list[Sample]:
    """A few samples whose first argument can be `self`."""
    return [s for s in spec.samples(spec.gen()) if s.args and isinstance(s.args[0], np.ndarray)]


def method_name(spec: OpSpec) -> str:
    return spec.method or spec.name.rsplit(".", 1)[-1]


def with_variant(letter: str) -> list:
    return [pytest.param(s, id=s.id) for s in SPECS if letter in s.variants and not s.name.startswith("Tensor.")]


@pytest.mark.parametrize("spec", with_variant("m"))
def test_method(spec: OpSpec) -> None:
    for sample in usable(spec):
        call = Call(spec, sample, spec.dtypes[0])
        first, *rest = call.args
        method = getattr(first, method_name(spec))(*rest, **call.kwargs)
        assert digest(tensors(method)) == digest(tensors(call())), show(sample)


@pytest.mark.parametrize("spec", with_variant("i"))
def test_in_place(spec: OpSpec) -> None:
    for sample in usable(spec):
        call = Call(spec, sample, spec.dtypes[0])
        expected = tensors(call())[0]
        first, *rest = call.args
        target = first.clone()
        if expected.shape != target.shape or expected.dtype != target.dtype:
            continue
        version = target._version
        result = getattr(target, method_name(spec) + "_")(*rest, **call.kwargs)
        assert result is target, show(sample)
        assert same_bits(target, expected), show(sample)
        assert target._version > version, f"{show(sample)}: the version counter did not move"


@pytest.mark.parametrize("spec", with_variant("i"))
def test_in_place_shape(spec: OpSpec) -> None:
    """An in-place op never changes the shape of its target."""
    for sample in usable(spec):
        call = Call(spec, sample, spec.dtypes[0])
        expected = tensors(call())[0]
        first, *rest = call.args
        if expected.shape == first.shape:
            continue
        before = digest([first])
        with pytest.raises((RuntimeError, ValueError)):
            getattr(first, method_name(spec) + "_")(*rest, **call.kwargs)
        assert digest([first]) == before, f"{show(sample)}: changed by a call that failed"


@pytest.mark.parametrize("spec", with_variant("i"))
def test_in_place_gradient(spec: OpSpec) -> None:
    if not spec.grad:
        pytest.skip("not differentiable")
    for sample in list(usable(spec))[:12]:
        if sample.label == "special":
            continue
        results = []
        for in_place in (False, True):
            call = Call(spec, sample, "float64", grad=True)
            first, *rest = call.args
            copy = first.clone()
            name = method_name(spec) + ("_" if in_place else "")
            y = getattr(copy, name)(*rest, **call.kwargs) if in_place else getattr(first, name)(*rest, **call.kwargs)
            if in_place and (y.shape != first.shape or y.dtype != first.dtype):
                break
            results.append(plait.autograd.grad(y.sum(), call.inputs, allow_unused=True))
            if y.shape != first.shape:
                break
        if len(results) == 2:
            for a, b in zip(*results):
                assert (a is None) == (b is None), show(sample)
                if a is not None:
                    check_close(to_numpy(b), to_numpy(a), "float64", 8, np.maximum(1, abs(to_numpy(a))), show(sample))


@pytest.mark.parametrize("spec", with_variant("o"))
def test_out(spec: OpSpec) -> None:
    for sample in list(spec.samples(spec.gen())):
        call = Call(spec, sample, spec.dtypes[0])
        expected = tensors(call())[0]
        out = plait.empty(expected.shape, dtype=expected.dtype)
        if out.numel():
            out.fill_(1)
        call.kwargs = call.kwargs | {"out": out}
        result = call()
        assert result is out, show(sample)
        assert same_bits(out, expected), show(sample)


EXACT_OUTS = {row["name"].replace("_", ".") for row in plait._core._op_table() if "x" in row["where"]}


@pytest.mark.parametrize("spec", with_variant("o"))
def test_out_of_another_dtype(spec: OpSpec) -> None:
    """A wider dtype takes the result where the op has no say in it; one that cannot hold it is an error."""
    call = Call(spec, next(iter(spec.samples(spec.gen()))), spec.dtypes[0])
    expected = tensors(call())[0]

    def into(dtype: plait.dtype) -> plait.Tensor:
        named = Call(spec, next(iter(spec.samples(spec.gen()))), spec.dtypes[0])
        out = plait.ones(expected.shape, dtype=dtype)
        named.kwargs = named.kwargs | {"out": out}
        return named()

    wider = plait.complex128 if expected.dtype.is_complex else plait.float64
    if expected.dtype != wider:
        if spec.name.replace("_", ".") in EXACT_OUTS:
            with pytest.raises(TypeError, match="expected out= of dtype"):
                into(wider)
        else:
            assert same_bits(into(wider), expected.to(wider))
    if expected.dtype != plait.bool:
        narrower = (
            plait.float64 if expected.dtype.is_complex else plait.int64 if expected.is_floating_point() else plait.bool
        )
        with pytest.raises(TypeError, match=r"can't be cast|expected out= of dtype"):
            into(narrower)


def with_several_outs() -> list:
    names = {row["name"] for row in plait._core._op_table() if "o" in row["where"] and row["results"][0][0]}
    return [pytest.param(s, id=s.id) for s in SPECS if s.name.replace(".", "_") in names]


@pytest.mark.parametrize("spec", with_several_outs())
def test_several_outs(spec: OpSpec) -> None:
    """out= is a tuple of one tensor per result: of its shape or empty, of its dtype or a wider one."""
    for sample in list(spec.samples(spec.gen())):
        call = Call(spec, sample, spec.dtypes[0])
        results = call()
        if not isinstance(results, tuple):
            continue
        for make in (plait.empty_like, lambda t: plait.empty(0, dtype=t.dtype)):
            outs = tuple(make(t) for t in results)
            named = Call(spec, sample, spec.dtypes[0])
            named.kwargs = named.kwargs | {"out": outs}
            returned = named()
            assert type(returned) is type(results), show(sample)
            for out, same, expected in zip(outs, returned, results, strict=True):
                assert same is out and same_bits(out, expected), show(sample)
        if any(t.dtype.is_complex for t in results) or spec.name.replace("_", ".") in EXACT_OUTS:
            continue
        wide = tuple(plait.empty(t.shape, dtype=plait.promote_types(t.dtype, plait.float64)) for t in results)
        named = Call(spec, sample, spec.dtypes[0])
        named.kwargs = named.kwargs | {"out": list(wide)}
        named()
        for out, expected in zip(wide, results, strict=True):
            assert same_bits(out, expected.to(out.dtype)), show(sample)


@pytest.mark.parametrize("spec", with_several_outs())
def test_several_outs_that_do_not_fit(spec: OpSpec) -> None:
    for sample in spec.samples(spec.gen()):
        results = Call(spec, sample, spec.dtypes[0])()
        if isinstance(results, tuple) and all(t.numel() for t in results):
            break
    else:
        pytest.skip("one result")
    outs = tuple(t.clone() for t in results)
    filled = [t.clone() for t in outs]
    wrong = [
        outs[0],
        outs[:-1],
        (*outs, outs[0]),
        (*outs[:-1], 3),
        (*outs[:-1], plait.empty((*results[-1].shape, 7), dtype=results[-1].dtype)),
        (plait.empty(results[0].shape, dtype=plait.bool), *outs[1:]),
    ]
    for out in wrong:
        named = Call(spec, sample, spec.dtypes[0])
        named.kwargs = named.kwargs | {"out": out}
        with pytest.raises((ValueError, TypeError)):
            named()
    for before, after in zip(filled, outs, strict=True):
        assert same_bits(before, after)


@pytest.mark.parametrize("spec", with_variant("o"))
def test_out_refuses_gradients(spec: OpSpec) -> None:
    """out= cannot be recorded: an input that requires grad is an error, not a cut graph."""
    if not spec.grad:
        pytest.skip("not differentiable")
    sample = next(s for s in spec.samples(spec.gen()) if s.args)
    call = Call(spec, sample, "float32", grad=True)
    with plait.no_grad():
        out = tensors(call())[0].clone()
    call.kwargs = call.kwargs | {"out": out}
    with pytest.raises(RuntimeError):
        call()


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS if s.ref is not None])
def test_strides(spec: OpSpec) -> None:
    """Transposed, strided and offset inputs give what contiguous ones give, bit by bit."""
    for dtype in [d for d in ("float32", "int64") if d in spec.dtypes]:
        for sample in spec.samples(spec.gen()):
            expected = run(spec, sample, dtype)
            for layout in LAYOUTS[1:]:
                got = run(spec, sample, dtype, layout)
                if spec.exact_strides:
                    assert digest(got) == digest(expected), f"{spec.name} {dtype} {layout} {show(sample)}"
                else:
                    rounding = reference(spec, sample, dtype, spec.scale) if callable(spec.scale) else []
                    for i, (a, b) in enumerate(zip(got, expected)):
                        scale = np.maximum(1, np.abs(rounding[i] if i < len(rounding) else to_numpy(b)))
                        check_close(to_numpy(a), to_numpy(b), dtype_name(a), 8, scale, f"{layout} {show(sample)}")


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS])
def test_inputs_stay_untouched(spec: OpSpec) -> None:
    for sample in list(spec.samples(spec.gen()))[:6]:
        call = Call(spec, sample, spec.dtypes[0])
        before = digest(tensors([call.args, list(call.kwargs.values())]))
        call()
        if spec.id == "batch_norm" and sample.kwargs.get("training"):
            continue  # it updates its running statistics
        assert digest(tensors([call.args, list(call.kwargs.values())])) == before, show(sample)


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS if s.grad])
def test_no_graph_without_need(spec: OpSpec) -> None:
    """No input requires grad, or gradients are off: the result has no history."""
    sample = next(iter(spec.samples(spec.gen())))
    assert not any(t.requires_grad or t.grad_fn for t in tensors(Call(spec, sample, "float32")()))
    with plait.no_grad():
        for t in tensors(Call(spec, sample, "float32", grad=True)()):
            assert not t.requires_grad or t.is_leaf


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS if not s.grad and "float32" in s.dtypes])
def test_integer_results_have_no_gradient(spec: OpSpec) -> None:
    sample = next(iter(spec.samples(spec.gen())))
    call = Call(spec, sample, "float32", grad=True)
    if not call.inputs:
        pytest.skip("takes no floats")
    try:
        results = tensors(call())
    except RuntimeError as error:
        assert "deriv" in str(error) or "differentiable" in str(error)
    else:
        assert not any(t.requires_grad for t in results if not t.dtype.is_floating_point)


def test_table_is_well_formed() -> None:
    for spec in SPECS:
        assert inspect.isgeneratorfunction(spec.samples) or callable(spec.samples)
        assert set(spec.variants) <= set("fmio"), spec.name
        samples = list(spec.samples(spec.gen()))
        assert samples, f"{spec.name}: no samples"
        if spec.grad:
            assert any(True for _ in spec.gradient_samples()), f"{spec.name}: no sample small enough for gradients"
