# SPDX-License-Identifier: MIT
"""The array API namespace: what the standard asks for beyond plait's own functions."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import plait
from plait import array_api as xp


def test_namespace() -> None:
    x = plait.ones(2)
    assert x.__array_namespace__() is xp and x.__array_namespace__(api_version="2023.12") is xp
    with pytest.raises(ValueError, match="2024"):
        x.__array_namespace__(api_version="2030.12")
    assert x.to_device("cpu") is x
    with pytest.raises(ValueError, match="stream"):
        x.to_device("cpu", stream=1)
    info = xp.__array_namespace_info__()
    assert info.default_dtypes()["real floating"] == plait.float32 and info.default_device() in info.devices()
    assert set(info.dtypes(kind="signed integer")) == {"int8", "int16", "int32", "int64"}
    assert set(info.dtypes(kind="unsigned integer")) == {"uint8", "uint16", "uint32", "uint64"}
    assert info.capabilities()["boolean indexing"]
    for name in xp.__all__:
        assert hasattr(xp, name)
    for name in ("sum", "astype", "take", "unique_all"):
        assert inspect.signature(getattr(xp, name)).parameters["x"].kind is inspect.Parameter.POSITIONAL_ONLY


def test_dtypes() -> None:
    assert xp.isdtype(plait.int8, "integral") and not xp.isdtype(plait.bool, "numeric")
    assert xp.isdtype(plait.uint8, (plait.int8, "unsigned integer"))
    assert xp.result_type(plait.int8, plait.ones((), dtype=plait.int16)) == plait.int16
    assert xp.result_type(plait.ones(1), 1.0) == plait.float32
    assert xp.can_cast(plait.int8, plait.int64) and not xp.can_cast(plait.int64, plait.float64)
    assert (
        xp.finfo(plait.float64).eps == np.finfo(np.float64).eps
        and xp.iinfo(plait.ones(1, dtype=plait.int8)).min == -128
    )
    with pytest.raises(TypeError, match="kind"):
        xp.isdtype(plait.int8, "integers")
    with pytest.raises(TypeError, match="at least one"):
        xp.result_type(1, 2.0)
    x = xp.astype(plait.ones(2), plait.float32, copy=False)
    assert x.data_ptr() == xp.astype(x, plait.float32, copy=False).data_ptr() != xp.astype(x, plait.float32).data_ptr()


def test_zero_dimensional_tensors_promote() -> None:
    a, b = plait.ones((), dtype=plait.int64), plait.ones(2, dtype=plait.int8)
    assert xp.add(a, b).dtype == plait.int64 and xp.add(b, 1).dtype == plait.int8
    assert xp.where(b > 0, a, b).dtype == plait.int64
    assert xp.multiply(2.0, plait.ones(2)).dtype == plait.float32


@pytest.mark.parametrize("name", ["uint8", "uint16", "uint32", "uint64"])
def test_unsigned_integers(name: str) -> None:
    top = xp.iinfo(getattr(xp, name)).max
    x = xp.asarray([3, top, 0], dtype=getattr(xp, name))
    for f in (xp.sum, xp.prod, xp.cumulative_sum, xp.cumulative_prod):
        assert f(x).dtype == plait.uint64
    assert int(xp.sum(x)) == (top + 3) % 2**64 and int(xp.prod(x[:2])) == 3 * top % 2**64
    assert xp.any(x).dtype == xp.all(x).dtype == plait.bool and bool(xp.any(x)) and not bool(xp.all(x))
    assert xp.max(x) == top and int(xp.argmax(x)) == 1
    assert xp.result_type(x, plait.int8) == (
        plait.float64 if name == "uint64" else xp.add(x, xp.ones(3, dtype=xp.int8)).dtype
    )
    assert xp.clip(x, 1, top - 1).tolist() == [3, top - 1, 1]


def test_unique_complex_numbers() -> None:
    x = xp.asarray([[1 + 2j, 1], [1 + 2j, 0]])
    values, first, inverse, counts = xp.unique_all(x)
    assert sorted(zip([str(v) for v in values.tolist()], counts.tolist())) == [("(1+0j)", 1), ("(1+2j)", 2), ("0j", 1)]
    assert plait.equal(values[inverse], x) and plait.equal(x.reshape(-1)[first], values)
    assert xp.unique_values(x).shape == (3,) and xp.unique_inverse(x)[1].shape == (2, 2)


def test_creation() -> None:
    assert xp.eye(3, k=1).tolist() == np.eye(3, k=1).tolist() and xp.eye(2, 3, k=-5).sum() == 0
    assert xp.linspace(0, 1, 4, endpoint=False).tolist() == [0, 0.25, 0.5, 0.75]
    assert xp.arange(5, 0, 2).shape == (0,) and xp.arange(3).dtype == plait.int64
    assert [g.shape for g in xp.meshgrid(xp.arange(2), xp.arange(3))] == [(3, 2), (3, 2)]
    assert xp.asarray([plait.ones(()), plait.zeros((), dtype=plait.float64)]).dtype == plait.float64
    with pytest.raises(ValueError, match="copy"):
        xp.asarray([1, 2], copy=False)
    x = plait.ones(2)
    assert xp.asarray(x) is x and xp.asarray(x, copy=True) is not x
    assert xp.from_dlpack(np.ones(2), copy=True).tolist() == [1, 1]


def test_reductions_without_axes() -> None:
    x = plait.arange(6).reshape(2, 3)
    for name in ("sum", "prod", "max", "min"):
        f, g = getattr(xp, name), getattr(np, name)
        for axis in (None, 0, (0, 1), -1):
            assert f(x, axis=axis).tolist() == g(x.numpy(), axis=axis).tolist()
            assert f(x, axis=axis, keepdims=True).shape == g(x.numpy(), axis=axis, keepdims=True).shape
        assert f(x, axis=()).tolist() == x.tolist()
    y = plait.randn(3, 4, dtype=plait.float64)
    np.testing.assert_allclose(xp.std(y, axis=1, correction=1).numpy(), y.numpy().std(1, ddof=1))
    assert xp.var(plait.tensor(float("nan"))).isnan() and xp.argmax(x).item() == 5
    assert xp.argmax(x, keepdims=True).shape == (1, 1)
    assert xp.cumulative_sum(x, axis=1, include_initial=True).tolist() == [[0, 0, 1, 3], [0, 3, 7, 12]]
    with pytest.raises(ValueError, match="axis"):
        xp.cumulative_sum(x)
    assert xp.count_nonzero(x, axis=0).tolist() == [1, 2, 2]


def test_shapes_and_indices() -> None:
    x = plait.arange(6).reshape(2, 3)
    assert xp.take(x, plait.tensor([-1, 0]), axis=1).tolist() == [[2, 0], [5, 3]]
    assert xp.take_along_axis(x, plait.tensor([[-1], [0]]), axis=1).tolist() == [[2], [3]]
    assert xp.roll(x, (1, 1), axis=(0, 0)).tolist() == x.tolist()
    assert xp.repeat(x, 2).shape == (12,) and xp.tile(x, (2,)).shape == (2, 6)
    assert xp.concat([x, x.to(plait.int8)], axis=None).dtype == plait.int64
    assert [t.tolist() for t in xp.unstack(x, axis=1)] == [[0, 3], [1, 4], [2, 5]]
    with pytest.raises(ValueError, match="squeeze"):
        xp.squeeze(x, 0)
    values, first, inverse, counts = xp.unique_all(plait.tensor([3, 1, 3, 2]))
    assert (values.tolist(), first.tolist(), inverse.tolist(), counts.tolist()) == (
        [1, 2, 3], [1, 3, 0], [2, 0, 2, 1], [1, 1, 2],
    )  # fmt: skip
    assert xp.searchsorted(plait.tensor([1, 3]), plait.tensor([2.0, 3.0]), side="right").tolist() == [1, 2]
    assert xp.clip(plait.tensor([-500, 5], dtype=plait.int16), 0, 10**6).tolist() == [0, 5]


def test_special_values() -> None:
    inf = float("inf")
    assert xp.floor_divide(plait.tensor([inf, -inf]), plait.tensor([2.0, 2.0])).tolist() == [inf, -inf]
    assert xp.signbit(xp.remainder(plait.tensor([0.0]), plait.tensor([-2.0]))).tolist() == [True]
    assert xp.sign(plait.tensor([float("nan"), -0.0]))[0].isnan()
    assert xp.round(plait.tensor([0.5, 1.5])).tolist() == [0, 2] and xp.ceil(plait.arange(2)).dtype == plait.int64


def test_products() -> None:
    a, b = plait.randn(2, 3), plait.randn(4, 3, 2)
    assert xp.matmul(a, b).shape == (4, 2, 2) and xp.matrix_transpose(b).shape == (4, 2, 3)
    assert xp.vecdot(a, plait.ones(3)).shape == (2,)
    np.testing.assert_allclose(
        xp.tensordot(a, b, axes=((-1,), (1,))).numpy(), np.tensordot(a, b, ((1,), (1,))), rtol=1e-5
    )
    assert xp.linalg.trace(plait.ones(3, 3, dtype=plait.int8)).dtype == plait.int64
    assert xp.linalg.outer(plait.ones(2), plait.ones(3)).shape == (2, 3)
    np.testing.assert_allclose(xp.linalg.vector_norm(a).numpy(), np.linalg.norm(a.numpy()), rtol=1e-6)
