# SPDX-License-Identifier: MIT
"""Complex tensors: every op of the table on complex numbers, then what is particular to them."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from op_table import SPECS
from op_table.harness import lookup, tensors
from op_table.spec import Dtype, OpSpec, Sample, convert_arrays

import plait
from plait import _core

COMPLEX = (plait.complex64, plait.complex128)
TABLE = _core._op_table()


# Ops that take complex numbers but not with every argument.
PARTLY = {"div", "softmax", "log_softmax"}
# References that are written for real numbers.
OTHERS = {"triplet_margin_loss"} | {
    # Their references transpose where a complex matrix is conjugated too, or convert to float64: tests/test_linalg.py
    # compares them.
    *("cholesky_solve", "cholesky_inverse", "linalg.lu_factor", "linalg.lu_factor_ex", "linalg.lu", "linalg.lu_solve"),
    *("logdet", "linalg.householder_product", "orgqr", "ormqr", "linalg.pinv", "linalg.lstsq"),
    *("linalg.ldl_factor", "linalg.ldl_factor_ex", "linalg.matrix_exp", "matrix_exp"),
    *("logaddexp", "logcumsumexp"),
}


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape))


# ---------------------------------------------------------------- every op of the table


def complex_sample(sample: Sample) -> Sample:
    """The sample with complex numbers in place of its floats: other numbers of the same size become imaginary parts."""

    def leaf(array: np.ndarray) -> np.ndarray:
        if array.dtype != np.float64:
            return array
        return np.asarray(array + 1j * np.roll(array.ravel(), 1).reshape(array.shape))

    return Sample(convert_arrays(sample.args, leaf, Dtype), convert_arrays(sample.kwargs, leaf, Dtype), sample.label)


def has_floats(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype == np.float64
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return any(has_floats(v) for v in items)


def samples_of(spec: OpSpec) -> list[Sample]:
    return [
        complex_sample(s) for s in spec.samples(spec.gen()) if has_floats([s.args, s.kwargs]) and s.label != "special"
    ]


def takes_complex(spec: OpSpec) -> bool:
    name = spec.name.rsplit(".", 1)[-1]
    return any("c" in row["where"] for row in TABLE if row["name"] == name)


def bind(value: Any, inputs: list[plait.Tensor] | None = None) -> Any:
    def leaf(array: np.ndarray) -> plait.Tensor:
        t = plait.from_numpy(np.ascontiguousarray(array).reshape(array.shape).copy())
        if inputs is not None and t.is_complex():
            inputs.append(t.requires_grad_())
        return t

    return convert_arrays(value, leaf, lambda name: getattr(plait, name))


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.id)
def test_values_or_type_error(spec: OpSpec) -> None:
    """Complex numbers give NumPy's values, or TypeError; nothing else."""
    fn = lookup(spec.name)
    for sample in [] if spec.id in OTHERS else samples_of(spec):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                got = tensors(fn(*bind(sample.args), **bind(sample.kwargs)))
        except TypeError as error:
            assert "complex128" in str(error) or "complex" in str(error), error
            assert spec.id in PARTLY or not takes_complex(spec), f"{spec.id} takes complex numbers, but: {error}"
            continue
        with np.errstate(all="ignore"):
            result = spec.ref(*convert_arrays(sample.args, lambda a: a), **convert_arrays(sample.kwargs, lambda a: a))
        want = [np.asarray(r) for r in (result if isinstance(result, (list, tuple)) else [result])]
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            assert tuple(g.shape) == w.shape
            np.testing.assert_allclose(g.detach().numpy(), w, rtol=1e-11, atol=1e-11)


def loss_weights(ys: list[plait.Tensor]) -> list[plait.Tensor]:
    rng = np.random.default_rng(5)
    weights = []
    for y in ys:
        w: Any = rng.standard_normal(tuple(y.shape)) + 1j * rng.standard_normal(tuple(y.shape))
        weights.append(plait.tensor(np.asarray(w if y.is_complex() else w.real)))
    return weights


def real_loss(ys: list[plait.Tensor], weights: list[plait.Tensor]) -> plait.Tensor:
    """The sum of real(y conj(w)), a real function of complex results."""
    terms = [
        plait.view_as_real(y) * plait.view_as_real(w) if y.is_complex() else y * w
        for y, w in zip(ys, weights, strict=True)
    ]
    return sum(t.sum() for t in terms)


@pytest.mark.parametrize(
    "spec", [s for s in SPECS if s.grad and takes_complex(s) and s.id not in PARTLY], ids=lambda s: s.id
)
def test_gradients(spec: OpSpec) -> None:
    """The gradient of a real loss is dL/d(real part) + i dL/d(imaginary part)."""
    for sample in spec.gradient_samples():
        if has_floats([sample.args, sample.kwargs]):
            check_gradients(lookup(spec.name), complex_sample(sample))


def check_gradients(fn: Any, sample: Sample) -> None:
    inputs: list[plait.Tensor] = []
    args, kwargs = bind(sample.args, inputs), bind(sample.kwargs, inputs)

    def results() -> list[plait.Tensor]:
        return [y for y in tensors(fn(*args, **kwargs)) if y.is_complex() or y.is_floating_point()]

    ys = results()
    if not any(y.requires_grad for y in ys):
        return
    weights = loss_weights(ys)
    gradients = plait.autograd.grad(real_loss(ys, weights), inputs, allow_unused=True)
    with plait.no_grad():
        for x, g in zip(inputs, gradients, strict=True):
            want = numeric_gradient(x, lambda: float(real_loss(results(), weights)))
            got = np.zeros(tuple(x.shape), complex) if g is None else g.numpy()
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def numeric_gradient(x: plait.Tensor, loss: Any, step: float = 1e-6) -> np.ndarray:
    parts = plait.view_as_real(x.detach()).reshape(-1, 2) if x.is_complex() else x.detach().reshape(-1, 1)
    want = np.zeros((parts.shape[0], 2))
    for i in range(parts.shape[0]):
        for k in range(parts.shape[1]):
            value = float(parts[i, k])
            parts[i, k] = value + step
            above = loss()
            parts[i, k] = value - step
            below = loss()
            parts[i, k] = value
            want[i, k] = (above - below) / (2 * step)
    return (
        (want[:, 0] + 1j * want[:, 1]).reshape(tuple(x.shape)) if x.is_complex() else want[:, 0].reshape(tuple(x.shape))
    )


# ---------------------------------------------------------------- dtypes


def test_dtypes() -> None:
    assert plait.cfloat is plait.complex64 and plait.cdouble is plait.complex128
    assert plait.complex64.is_complex and not plait.complex64.is_floating_point and plait.complex64.is_signed
    assert plait.complex64.itemsize == 8 and plait.complex128.itemsize == 16
    assert plait.float64.to_complex() is plait.complex128 and plait.complex64.to_real() is plait.float32
    assert plait.finfo(plait.complex64).eps == plait.finfo(plait.float32).eps
    with pytest.raises(TypeError):
        plait.iinfo(plait.complex64)


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [
        ("complex64", "float64", "complex128"),
        ("complex64", "float32", "complex64"),
        ("complex64", "int64", "complex64"),
        ("complex128", "bool", "complex128"),
        ("complex64", "float16", "complex64"),
    ],
)
def test_promotion(a: str, b: str, want: str) -> None:
    a, b, want = (getattr(plait, n) for n in (a, b, want))
    assert plait.promote_types(a, b) is want and plait.promote_types(b, a) is want
    assert (plait.ones(2, dtype=a) * plait.ones(2, dtype=b)).dtype is want
    assert plait.can_cast(b, a) and not plait.can_cast(a, b)


def test_numbers_and_tensors_without_dimensions_count_by_category() -> None:
    assert (plait.ones(2) * 1j).dtype is plait.complex64
    assert (plait.ones(2, dtype=plait.float64) * 1j).dtype is plait.complex128
    assert (plait.ones(2, dtype=plait.int64) + 1j).dtype is plait.complex64
    assert (plait.ones(2) * plait.tensor(1j, dtype=plait.complex128)).dtype is plait.complex64
    assert (plait.ones(2, dtype=plait.complex64) * 2.5).dtype is plait.complex64
    assert plait.tensor(1j).dtype is plait.complex64 and plait.full((2,), 1j).dtype is plait.complex64
    with pytest.raises(TypeError):
        plait.ones(2).mul_(1j)


def test_assigned_numbers_keep_their_bits() -> None:
    x = plait.zeros(3, dtype=plait.complex128)
    x[0] = 2.5e-287j
    x[x == 0] = 1 + 1e-200j
    assert x.tolist() == [2.5e-287j, 1 + 1e-200j, 1 + 1e-200j]


REAL = (
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
)


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
@pytest.mark.parametrize("other", REAL)
def test_conversions(dtype: plait.dtype, other: str) -> None:
    other = getattr(plait, other)
    x = plait.tensor([0, 1, 1, 0, 1] * 20).to(other)
    z = x.to(dtype)
    assert plait.equal(z.real, x.to(dtype.to_real())) and not z.imag.any()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert plait.equal(z.to(other), x)
        assert plait.equal((z[::3] * 1).to(other), x[::3])
    assert plait.equal((z * 1j).to(plait.bool), x.to(plait.bool))


# ---------------------------------------------------------------- in and out


def test_creation() -> None:
    x = plait.tensor([[1 + 2j, 3], [True, 4.5]])
    assert x.dtype is plait.complex64 and x.tolist() == [[1 + 2j, 3 + 0j], [1 + 0j, 4.5 + 0j]]
    assert plait.tensor(np.complex64(1 + 2j)).item() == 1 + 2j
    assert plait.zeros(2, dtype=plait.complex128).numpy().dtype == np.complex128
    assert plait.eye(2, dtype=plait.complex64).tolist() == [[1, 0], [0, 1]]
    assert plait.full_like(x, 2j).tolist() == [[2j, 2j], [2j, 2j]]
    assert complex(plait.tensor(1 + 2j)) == 1 + 2j and bool(plait.tensor(1j)) and float(plait.tensor(2 + 0j)) == 2
    with pytest.raises(RuntimeError, match="float"):
        float(plait.tensor(1j))
    with pytest.raises(RuntimeError, match="full"):
        plait.full((2,), 1j, dtype=plait.float32)
    with pytest.raises(TypeError):
        plait.tensor([1j], dtype=plait.float32)
    with pytest.raises(TypeError):
        plait.arange(3, dtype=plait.complex64)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_memory_is_shared(dtype: Any) -> None:
    a = numbers(3, 4).astype(dtype)
    x = plait.from_numpy(a)
    x[0, 0] = 5j
    assert a[0, 0] == 5j
    assert np.shares_memory(x.numpy(), a) and np.shares_memory(np.asarray(memoryview(x)), a)
    assert np.from_dlpack(x)[0, 0] == 5j and plait.from_dlpack(a)[0, 0].item() == 5j
    assert plait.frombuffer(bytearray(a.tobytes()), dtype=x.dtype).tolist() == a.ravel().tolist()
    assert np.array_equal(x.T.numpy(), a.T) and np.array_equal(np.array(x[:, ::2]), a[:, ::2])


def test_saved_and_copied(tmp_path: Path) -> None:
    for dtype in COMPLEX:
        x = plait.tensor(numbers(3, 5)).to(dtype)
        plait.save({"x": x, "y": plait.ones(3)}, tmp_path / "x")
        y = plait.load(tmp_path / "x")["x"]
        for z in (y, pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
            assert z.dtype is dtype and plait.equal(z, x)


def test_repr() -> None:
    nan, inf = math.nan, math.inf
    for values, text in [
        ([1 + 2j, 3 - 4j], "tensor([1.+2.j, 3.-4.j])"),
        ([1.5 + 2j, 3 - 4j], "tensor([1.5000+2.j, 3.0000-4.j])"),
        ([complex(nan, 1), complex(1, inf), complex(1, -0.0)], "tensor([nan+1.j, 1.+infj, 1.-0.j])"),
        ([[1 + 2j, 3], [100j, -5]], "tensor([[ 1.+2.j,  3.+0.j],\n        [ 0.+100.j, -5.+0.j]])"),
        ([1e-5 + 1j], "tensor([1.0000e-05+1.j])"),
        (1 + 1j, "tensor(1.+1.j)"),
    ]:
        assert repr(plait.tensor(values)) == text
    assert repr(plait.zeros(2, 0, dtype=plait.complex128)) == "tensor([], size=(2, 0), dtype=plait.complex128)"
    assert repr(plait.tensor([1j], dtype=plait.complex128)) == "tensor([0.+1.j], dtype=plait.complex128)"


# ---------------------------------------------------------------- moves


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (5, 7), (3, 1, 6), (2, 3, 4, 5), (300, 200)])
def test_moves(dtype: Any, shape: tuple[int, ...]) -> None:
    a = numbers(*shape).astype(dtype)
    x = plait.tensor(a)
    turned = x.permute(list(range(x.dim() - 1, -1, -1)))
    assert np.array_equal(turned.contiguous().numpy(), a.T) and np.array_equal((turned + 1).numpy(), a.T + 1)
    mask = a.real > 0
    m = plait.tensor(mask)
    assert np.array_equal(plait.where(m, x, 1j).numpy(), np.where(mask, a, 1j).astype(dtype))
    assert np.array_equal(x.masked_fill(m, 2j).numpy(), np.where(mask, 2j, a).astype(dtype))
    assert np.array_equal(x[m].numpy(), a[mask])
    assert np.array_equal(plait.nonzero(x).numpy(), np.argwhere(a))
    if a.ndim:
        assert np.array_equal(x.flip(0).numpy(), np.flip(a, 0))
        assert np.array_equal(plait.cat([x, x.real.to(x.dtype)]).numpy(), np.concatenate([a, a.real]))
        assert np.array_equal(x.roll(1, -1).numpy(), np.roll(a, 1, -1))
        assert np.array_equal(
            plait.nn.functional.pad(x, (1, 2), value=3j).numpy()[..., :1], np.full((*shape[:-1], 1), 3j)
        )
    if a.ndim and shape[0]:
        index = np.array([0, -1, 0])
        assert np.array_equal(x[plait.tensor(index)].numpy(), a[index])
        y = x.clone()
        y[..., -1] = 1 + 1j
        y.index_add_(0, plait.tensor([0, 0]), x[[0, 0]])
        want = a.copy()
        want[..., -1] = 1 + 1j
        want[0] += a[0] + a[0]
        np.testing.assert_allclose(y.numpy(), want, rtol=1e-6)


def test_unaligned_memory() -> None:
    """Elements of complex128 may begin at any multiple of 8 bytes."""
    room = np.zeros(2 * 64 + 1)
    a = room[1:].view(np.complex128)
    a[:] = numbers(64)
    x = plait.from_numpy(a)
    assert np.array_equal((x + x.flip(0)).numpy(), a + a[::-1]) and np.array_equal(x[::3].clone().numpy(), a[::3])
    assert np.array_equal(x.reshape(8, 8).T.contiguous().numpy(), a.reshape(8, 8).T)


# ---------------------------------------------------------------- parts


def test_parts_are_views() -> None:
    x = plait.tensor([[1 + 2j, 3 + 4j]])
    pairs = plait.view_as_real(x)
    assert pairs.shape == (1, 2, 2) and pairs.dtype is plait.float32
    pairs[0, 0, 1] = 7
    x.real[0, 1] = -3
    assert x.tolist() == [[1 + 7j, -3 + 4j]]
    x.imag = plait.zeros(1, 2)
    x.real = 2
    assert x.tolist() == [[2, 2]]
    assert plait.view_as_complex(pairs).data_ptr() == x.data_ptr()
    real = plait.ones(2)
    assert real.real is real and plait.real(real).data_ptr() == real.data_ptr()
    with pytest.raises(RuntimeError, match="imag"):
        real.imag  # noqa: B018
    assert plait.isreal(plait.tensor([1 + 0j, 1j])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: plait.ones(3), ValueError),
        (lambda: plait.tensor(1.0), ValueError),
        (lambda: plait.ones(2, 2).T, ValueError),
        (lambda: plait.ones(5)[1:3], ValueError),
        (lambda: plait.ones(3, 3)[:, :2], ValueError),
        (lambda: plait.ones(2, dtype=plait.int64), TypeError),
        (lambda: plait.ones(2, dtype=plait.float16), TypeError),
    ],
)
def test_view_as_complex_refuses(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="view_as_complex"):
        plait.view_as_complex(make())


def test_conjugates() -> None:
    a = numbers(3, 4)
    x = plait.tensor(a)
    for y in (x.conj(), x.conj_physical(), x.clone().conj_physical_(), x.conj().resolve_conj().resolve_neg()):
        assert np.array_equal(y.numpy(), a.conj()) and not y.is_conj() and not y.is_neg()
    for y in (x.H, x.mH, x.adjoint()):
        assert np.array_equal(y.numpy(), a.conj().T)
    real = plait.ones(2)
    assert real.conj() is real


def test_polar_and_complex() -> None:
    r, phi = plait.tensor([1.0, 2.0]), plait.tensor([0.5, -2.0])
    z = plait.polar(r, phi)
    np.testing.assert_allclose(z.numpy(), r.numpy() * np.exp(1j * phi.numpy()), rtol=1e-6)
    np.testing.assert_allclose(plait.angle(z).numpy(), phi.numpy(), rtol=1e-6)
    assert plait.complex(r, phi).imag.tolist() == phi.tolist()
    assert plait.complex(r.double(), phi.double()[:1]).dtype is plait.complex128
    with pytest.raises(TypeError, match="complex"):
        plait.complex(r, phi.double())
    assert plait.angle(plait.tensor([1.0, -1.0, 0.0, math.nan])).tolist()[:3] == [0.0, pytest.approx(math.pi), 0.0]
    assert plait.sgn(plait.tensor([3 + 4j, 0j])).tolist() == pytest.approx([0.6 + 0.8j, 0j])
    assert plait.sgn(plait.tensor([-2, 0, 3])).tolist() == [-1, 0, 1]
    assert plait.tensor([3 + 4j]).sgn_().tolist() == pytest.approx([0.6 + 0.8j])


def test_warns_when_imaginary_parts_are_lost() -> None:
    """Once in a process, so another process is asked."""
    import subprocess
    import sys

    program = "import plait; x = plait.tensor([1j]); x.to(plait.bool); x.float(); x.float()"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stderr.count("discards the imaginary part") == 1


# ---------------------------------------------------------------- autograd


def test_real_inputs_receive_real_gradients() -> None:
    x = plait.tensor([1.0, 2.0], requires_grad=True)
    z = plait.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    plait.view_as_real(x * z + x).sum().backward()
    assert x.grad.dtype is plait.float32 and x.grad.tolist() == [1 + 2 + 1, 3 - 1 + 1]
    assert z.grad.tolist() == [1 + 1j, 2 + 2j]


def test_backward_needs_a_real_loss() -> None:
    z = plait.tensor(1 + 2j, requires_grad=True)
    with pytest.raises(RuntimeError, match="real scalar"):
        (z * z).backward()
    (z * z).backward(plait.tensor(1 + 0j))
    assert z.grad.item() == 2 - 4j


def test_changes_of_parts_in_place() -> None:
    z = plait.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    y = z * 2
    y.real.mul_(3.0)
    y.imag[0] = 5.0
    assert y.detach().tolist() == [6 + 5j, 18 - 2j]
    plait.view_as_real(y).sum().backward()
    assert z.grad.tolist() == [6 + 0j, 6 + 2j]

    pairs = plait.ones(3, 2, requires_grad=True)
    p = pairs * 1
    plait.view_as_complex(p).mul_(1j)
    assert p.detach().tolist() == [[-1, 1]] * 3
    (p * plait.tensor([1.0, 10.0])).sum().backward()
    assert pairs.grad.tolist() == [[10.0, -1.0]] * 3


def test_gradcheck_counts_both_parts() -> None:
    z = plait.tensor(numbers(3), requires_grad=True)
    x = plait.tensor(numbers(3).real, requires_grad=True)
    for fn in (lambda z, x: z * x, lambda z, x: z.abs() * x, lambda z, x: (z.conj() * z + x).exp(), lambda z, x: z**x):
        assert plait.autograd.gradcheck(fn, (z, x)) and plait.autograd.gradgradcheck(fn, (z, x))

    class Wrong(plait.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: plait.Tensor) -> plait.Tensor:
            return z * 1j

        @staticmethod
        def backward(ctx: Any, g: plait.Tensor) -> plait.Tensor:
            return g * 1j  # the conjugate is missing

    with pytest.raises(plait.autograd.GradcheckError):
        plait.autograd.gradcheck(Wrong.apply, (z,))


# ---------------------------------------------------------------- products, modules, optimizers


def test_factors_may_be_complex() -> None:
    a, b, x = (numbers(*shape, seed=i) for i, shape in enumerate([(3, 4), (4, 5), (3, 5)]))
    ta, tb, tx = (plait.tensor(v) for v in (a, b, x))
    want = 2j * x + (1 - 1j) * (a @ b)
    np.testing.assert_allclose(plait.addmm(tx, ta, tb, beta=2j, alpha=1 - 1j).numpy(), want, rtol=1e-12)
    np.testing.assert_allclose(tx.clone().addmm_(ta, tb, beta=2j, alpha=1 - 1j).numpy(), want, rtol=1e-12)
    np.testing.assert_allclose(plait.add(tx, tx, alpha=1j).numpy(), x + 1j * x, rtol=1e-12)
    np.testing.assert_allclose(plait.sub(tx, tx, alpha=1j).numpy(), x - 1j * x, rtol=1e-12)
    np.testing.assert_allclose(plait.addcmul(tx, tx, tx, value=1j).numpy(), x + 1j * x * x, rtol=1e-12)
    np.testing.assert_allclose(plait.addcdiv(tx, tx, tx + 1, value=1j).numpy(), x + 1j * x / (x + 1), rtol=1e-12)
    with pytest.raises(TypeError):
        plait.add(plait.ones(2), plait.ones(2), alpha=1j)
    with pytest.raises(TypeError):
        plait.addmm(plait.ones(2, 2), plait.ones(2, 2), plait.ones(2, 2), alpha=1j)


@pytest.mark.parametrize(
    "shapes", [((200, 150), (150, 170)), ((7, 1, 9, 5), (3, 5, 2)), ((64,), (64, 3)), ((5, 300), (300,))]
)
def test_products_have_the_same_bits_at_any_number_of_threads(shapes: Any) -> None:
    for dtype in (np.complex64, np.complex128):
        a, b = (numbers(*shape, seed=i).astype(dtype) for i, shape in enumerate(shapes))
        x, y = plait.tensor(a), plait.tensor(b)
        threads = plait.get_num_threads()
        results = []
        for n in (1, 2, 3):
            plait.set_num_threads(n)
            results.append((x @ y).numpy().tobytes())
        plait.set_num_threads(threads)
        assert len(set(results)) == 1
        np.testing.assert_allclose((x @ y).numpy(), a @ b, rtol=1e-4 if dtype == np.complex64 else 1e-11)
        turned = plait.tensor(np.ascontiguousarray(np.swapaxes(b, -1, -2))).mT if b.ndim > 1 else y
        assert np.allclose((x.conj() @ turned).numpy(), a.conj() @ b, rtol=1e-3)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("transposed", [False, True])
def test_convolution(groups: int, transposed: bool) -> None:
    """A convolution is linear in both operands: complex ones are sums of real ones."""
    name = "conv_transpose2d" if transposed else "conv2d"
    conv = getattr(plait.nn.functional, name)
    x = plait.tensor(numbers(2, 4, 6, 5), requires_grad=True)
    w = plait.tensor(numbers(4, 6 // groups, 3, 2) if transposed else numbers(6, 4 // groups, 3, 2), requires_grad=True)
    bias = plait.tensor(numbers(6), requires_grad=True)
    y = conv(x, w, bias, stride=2, padding=1, groups=groups)

    def real_conv(a: plait.Tensor, b: plait.Tensor) -> plait.Tensor:
        return conv(a.contiguous(), b.contiguous(), None, stride=2, padding=1, groups=groups)

    with plait.no_grad():
        re = real_conv(x.real, w.real) - real_conv(x.imag, w.imag)
        im = real_conv(x.real, w.imag) + real_conv(x.imag, w.real)
        want = plait.complex(re, im) + bias.reshape(6, 1, 1)
    np.testing.assert_allclose(y.detach().numpy(), want.numpy(), rtol=1e-11)
    small = (plait.tensor(numbers(1, 4, 3, 3), requires_grad=True), w)
    assert plait.autograd.gradcheck(lambda a, b: conv(a, b, None, groups=groups), small)


def test_modules() -> None:
    layer = plait.nn.Linear(3, 2, dtype=plait.complex64)
    x = plait.tensor(numbers(5, 3)).to(plait.complex64)
    want = x.numpy() @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), want, rtol=1e-5)
    plait.nn.functional.l1_loss(layer(x), x[:, :2]).backward()
    assert layer.weight.grad.dtype is plait.complex64
    assert plait.nn.Conv1d(2, 2, 3, dtype=plait.complex128)(plait.zeros(1, 2, 5, dtype=plait.complex128)).shape == (
        1,
        2,
        3,
    )


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adamax", "NAdam", "RAdam", "Adadelta"])
def test_optimizers_step_both_parts(name: str) -> None:
    options = {"momentum": 0.9} if name == "SGD" else {}
    z = plait.tensor(numbers(4), requires_grad=True)
    parts = plait.view_as_real(z.detach()).clone().requires_grad_()
    rules = [getattr(plait.optim, name)([p], lr=0.1, **options) for p in (z, parts)]
    for _ in range(3):
        for rule, shown in zip(rules, (lambda: plait.view_as_real(z), lambda: parts), strict=True):
            rule.zero_grad()
            (shown() ** 4).sum().backward()
            rule.step()
    assert plait.equal(plait.view_as_real(z.detach()), parts.detach())


def test_norms_of_gradients() -> None:
    z = plait.tensor(numbers(4), requires_grad=True)
    z.grad = plait.tensor(numbers(4, seed=1))
    for p in (1.0, 2.0, math.inf):
        want = np.linalg.norm(z.grad.numpy(), p)
        assert float(plait.nn.utils.clip_grad_norm_([z], 1e9, norm_type=p)) == pytest.approx(want)


def test_random_numbers() -> None:
    plait.manual_seed(0)
    for make in (plait.randn, lambda *s, dtype: plait.randn_like(plait.zeros(*s, dtype=dtype))):
        z = make(20_000, dtype=plait.complex128).numpy()
        assert abs(z.mean()) < 0.03 and abs(np.mean(np.abs(z) ** 2) - 1) < 0.05 and abs(np.mean(z**2)) < 0.05
    u = plait.rand(1000, dtype=plait.complex64).numpy()
    assert u.real.min() >= 0 and u.imag.min() >= 0 and u.real.max() < 1 and u.imag.max() < 1


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize(
    "name",
    ["exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arcsinh",
     "arccosh", "arctanh", "log2", "log10", "log1p", "expm1", "exp2", "abs", "square", "reciprocal"],
)  # fmt: skip
def test_accuracy_over_many_sizes(name: str, dtype: Any) -> None:
    """Both parts of 1e-3 to 1e3 in all quadrants, against NumPy in twice the precision."""
    sizes = 10.0 ** np.linspace(-3, 2, 12)
    grid = np.array([s * complex(a, b) for s in sizes for a in (-1, 0.3, 1) for b in (-1, -0.2, 0.7)])
    a = grid.astype(dtype)
    with np.errstate(all="ignore"):
        want = getattr(np, name)(a.astype(np.clongdouble))
        got = getattr(plait, name)(plait.tensor(a)).numpy()
    finite = np.isfinite(want.astype(got.dtype))
    error = np.abs(got[finite] - want[finite]) / np.maximum(np.abs(want[finite]), 1e-30)
    assert error.max() < (64 if name == "exp2" else 8) * np.finfo(dtype).eps  # 2^z: the angle Im z log 2 is rounded


# ---------------------------------------------------------------- what has no kernel of its own


_Z = 0.1 + 0.2j


@pytest.mark.parametrize(
    "key", [0, -1, slice(None), slice(0, 1), ..., None, [0, 1], plait.tensor([True, False, True]), (plait.tensor([0]),)]
)
def test_assigned_numbers_keep_their_digits(key: Any) -> None:
    x = plait.zeros(3, dtype=plait.complex128)
    x[key] = _Z
    assert all(v == _Z for v in x[key].reshape(-1).tolist())
    y = plait.zeros(3, dtype=plait.float64)
    y[key] = 0.1
    assert all(v == 0.1 for v in y[key].reshape(-1).tolist())


def test_assigned_lists_keep_their_digits() -> None:
    x, y = plait.zeros(2, dtype=plait.complex128), plait.zeros(2, dtype=plait.float64)
    x[:] = [_Z, 0.1]
    y[:] = [0.1, 0.2]
    assert x.tolist() == [_Z, 0.1] and y.tolist() == [0.1, 0.2]


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 300])
def test_spaced_values(steps: int) -> None:
    a, b = 0.1 + 2j, -1.0 + 0.5j
    line = plait.linspace(a, b, steps, dtype=plait.complex128)
    np.testing.assert_allclose(line.numpy(), np.linspace(a, b, steps), rtol=1e-14)
    powers = plait.logspace(a, b, steps, base=2.0, dtype=plait.complex128)
    np.testing.assert_allclose(powers.numpy(), np.power(2.0, np.linspace(a, b, steps)), rtol=1e-14)
    assert plait.linspace(a, 1, steps).dtype == plait.complex64
    assert plait.linspace(0, 1, steps, dtype=plait.complex64).dtype == plait.complex64
    with pytest.raises(TypeError, match="expected a complex dtype"):
        plait.linspace(a, b, steps, dtype=plait.float64)


def _log_of_sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.log(np.exp(a) + np.exp(b))


@pytest.mark.parametrize(
    ("fn", "reference", "operands"),
    [
        (plait.nn.functional.softsign, lambda z: z / (1 + abs(z)), 1),
        (plait.nn.functional.tanhshrink, lambda z: z - np.tanh(z), 1),
        (plait.logaddexp, _log_of_sum, 2),
        (plait.ldexp, lambda a, b: a * 2**b, 2),
        (lambda z: plait.logcumsumexp(z, 1), lambda z: np.log(np.cumsum(np.exp(z), 1)), 1),
        (
            lambda z: plait.nn.functional.rms_norm(z, (5,), eps=0.5),
            lambda z: z / np.sqrt((z * z).mean(-1, keepdims=True) + 0.5),
            1,
        ),
    ],
    ids=["softsign", "tanhshrink", "logaddexp", "ldexp", "logcumsumexp", "rms_norm"],
)
def test_composites(fn: Any, reference: Any, operands: int) -> None:
    values = [numbers(3, 5, seed=i) * 0.5 for i in range(operands)]
    tensors = [plait.from_numpy(v).requires_grad_() for v in values]
    np.testing.assert_allclose(fn(*tensors).detach().numpy(), reference(*values), rtol=1e-12)
    assert plait.autograd.gradcheck(fn, tuple(tensors))
    single = fn(*(t.detach().to(plait.complex64) for t in tensors))
    assert single.dtype == plait.complex64


def test_logaddexp_of_infinities() -> None:
    a = plait.tensor([complex("-inf"), complex("-inf"), 1 + 1j], dtype=plait.complex128)
    b = plait.tensor([complex("-inf"), 2j, complex("-inf")], dtype=plait.complex128)
    y = plait.logaddexp(a, b)
    assert y.real.tolist() == [-math.inf, 0.0, 1.0] and y.imag[1:].tolist() == [2.0, 1.0]


def test_dropout_drops_both_parts() -> None:
    z = plait.full((1000,), 1 + 2j, dtype=plait.complex128, requires_grad=True)
    y = plait.nn.functional.dropout(z, 0.5)
    assert set(y.detach().tolist()) == {0j, 2 + 4j}
    y.real.sum().backward()
    assert plait.equal(z.grad.real, (y.detach() != 0) * 2.0)


def test_the_product_of_nothing_is_recorded() -> None:
    z = plait.zeros(0, dtype=plait.complex128, requires_grad=True)
    y = z.prod()
    assert y.item() == 1 and y.requires_grad
    y.real.backward()
    assert z.grad.shape == (0,)


def test_storage_of_any_order() -> None:
    assert plait.empty_permuted((2, 3), (1, 0), dtype=plait.complex64).stride() == (1, 2)
    assert plait.ones(1, dtype=plait.complex64).new_empty_strided((2,), (2,)).dtype == plait.complex64
