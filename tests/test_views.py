# SPDX-License-Identifier: MIT
"""Views share memory, strides say how, and the errors say what would have fitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import plait

T = plait.Tensor


def base() -> T:
    return plait.arange(24.0).reshape(2, 3, 4)


VIEWS: list[tuple[str, Callable[[T], T], Callable[[np.ndarray], np.ndarray]]] = [
    ("index", lambda x: x[1], lambda a: a[1]),
    ("slice", lambda x: x[:, 1:, ::2], lambda a: a[:, 1:, ::2]),
    ("newaxis", lambda x: x[None, ..., None], lambda a: a[None, ..., None]),
    ("view", lambda x: x.view(6, 4), lambda a: a.reshape(6, 4)),
    ("view -1", lambda x: x.view(-1, 2), lambda a: a.reshape(-1, 2)),
    ("view size", lambda x: x.view(plait.Size([4, 6])), lambda a: a.reshape(4, 6)),
    ("reshape", lambda x: x.reshape(3, 8), lambda a: a.reshape(3, 8)),
    ("permute", lambda x: x.permute(2, 0, 1), lambda a: a.transpose(2, 0, 1)),
    ("transpose", lambda x: x.transpose(0, -1), lambda a: a.swapaxes(0, -1)),
    ("T of 2-d", lambda x: x[0].T, lambda a: a[0].T),
    ("mT", lambda x: x.mT, lambda a: a.swapaxes(-1, -2)),
    ("t", lambda x: x[0].t(), lambda a: a[0].T),
    ("unsqueeze", lambda x: x.unsqueeze(1), lambda a: a[:, None]),
    ("squeeze", lambda x: x[:1].squeeze(0), lambda a: a[0]),
    ("expand", lambda x: x[:, :1].expand(2, 5, 4), lambda a: np.broadcast_to(a[:, :1], (2, 5, 4))),
    ("expand -1", lambda x: x[:1].expand(3, -1, -1), lambda a: np.broadcast_to(a[:1], (3, 3, 4))),
    ("expand new", lambda x: x.expand(2, 2, 3, 4), lambda a: np.broadcast_to(a, (2, 2, 3, 4))),
    ("expand_as", lambda x: x[:1].expand_as(x), lambda a: np.broadcast_to(a[:1], (2, 3, 4))),
    ("view_as", lambda x: x.view_as(plait.empty(4, 6)), lambda a: a.reshape(4, 6)),
    ("reshape_as", lambda x: x.reshape_as(plait.empty(4, 6)), lambda a: a.reshape(4, 6)),
    ("narrow", lambda x: x.narrow(2, 1, 2), lambda a: a[..., 1:3]),
    ("select", lambda x: x.select(1, 2), lambda a: a[:, 2]),
    ("diagonal", lambda x: x.diagonal(0, 1, 2), lambda a: a.diagonal(0, 1, 2)),
    ("unfold", lambda x: x.unfold(2, 2, 1), lambda a: np.lib.stride_tricks.sliding_window_view(a, 2, axis=2)),
    ("flatten", lambda x: x.flatten(1), lambda a: a.reshape(2, 12)),
    ("unflatten", lambda x: x.unflatten(2, (2, 2)), lambda a: a.reshape(2, 3, 2, 2)),
    ("chunk", lambda x: x.chunk(2, 2)[1], lambda a: a[..., 2:]),
    ("split", lambda x: x.split(2, 1)[1], lambda a: a[:, 2:]),
    ("unbind", lambda x: x.unbind(1)[2], lambda a: a[:, 2]),
    ("movedim", lambda x: x.movedim(0, 2), lambda a: np.moveaxis(a, 0, 2)),
    ("swapaxes", lambda x: x.swapaxes(0, 1), lambda a: a.swapaxes(0, 1)),
    ("as_strided", lambda x: x.as_strided((2, 3), (1, 2), 4), lambda a: a.ravel()[[[4, 6, 8], [5, 7, 9]]]),
    ("detach", lambda x: x.detach(), lambda a: a),
    ("data", lambda x: x.data, lambda a: a),
    ("view of view", lambda x: x.transpose(0, 1)[1:].permute(1, 2, 0)[..., 0], lambda a: a[:, 1]),
]  # fmt: skip
IDS = [v[0] for v in VIEWS]


def shares(a: T, b: T) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


@pytest.mark.tiny
@pytest.mark.parametrize(("name", "make", "ref"), VIEWS, ids=IDS)
def test_values_and_sharing(name: str, make: Callable, ref: Callable) -> None:
    x = base()
    v = make(x)
    np.testing.assert_array_equal(v.numpy(), ref(x.numpy()))
    assert shares(v, x)
    x.mul_(2)
    np.testing.assert_array_equal(v.numpy(), ref(x.numpy()))


@pytest.mark.parametrize(("name", "make", "ref"), VIEWS, ids=IDS)
def test_writes_reach_the_base(name: str, make: Callable, ref: Callable) -> None:
    if name.startswith("expand") or name == "unfold":
        pytest.skip("several elements share memory")
    x, copy = base(), base().numpy().copy()
    make(x).add_(100)
    places = ref(np.arange(24).reshape(2, 3, 4))
    copy.reshape(-1)[places.reshape(-1)] += 100
    np.testing.assert_array_equal(x.numpy(), copy)


@pytest.mark.parametrize(("name", "make", "ref"), VIEWS, ids=IDS)
def test_version_counter_is_shared(name: str, make: Callable, ref: Callable) -> None:
    x = base()
    v = make(x)
    before = x._version
    if name.startswith("expand") or name == "unfold":
        x.add_(1)
    else:
        v.add_(1)
    if name == "data":  # .data is the documented way around the counter
        return
    assert x._version > before
    assert v._version == x._version


def test_expanded_memory_is_not_written() -> None:
    x = plait.zeros(3, 1).expand(3, 4)
    with pytest.raises(RuntimeError):
        x.add_(1)
    with pytest.raises(RuntimeError):
        x.copy_(plait.ones(3, 4))


@pytest.mark.parametrize(("name", "make", "ref"), VIEWS, ids=IDS)
def test_gradients_flow_to_the_base(name: str, make: Callable, ref: Callable) -> None:
    if name in ("detach", "data"):
        pytest.skip("not in the graph")
    x = base().double().requires_grad_()
    v = make(x)
    weights = np.linspace(1, 2, v.numel()).reshape(tuple(v.shape))
    (v * plait.from_numpy(weights)).sum().backward()
    want = np.zeros(24)
    np.add.at(want, ref(np.arange(24).reshape(2, 3, 4)).reshape(-1), weights.reshape(-1))
    np.testing.assert_allclose(x.grad.numpy().reshape(-1), want, rtol=1e-14)


# (make, shape, stride, offset, contiguous)
LAYOUTS = [
    (lambda x: x, (2, 3, 4), (12, 4, 1), 0, True),
    (lambda x: x[1], (3, 4), (4, 1), 12, True),
    (lambda x: x[:, 1], (2, 4), (12, 1), 4, False),
    (lambda x: x[..., ::2], (2, 3, 2), (12, 4, 2), 0, False),
    (lambda x: x[..., 1::3], (2, 3, 1), (12, 4, 3), 1, False),
    (lambda x: x.transpose(0, 2), (4, 3, 2), (1, 4, 12), 0, False),
    (lambda x: x.permute(1, 0, 2), (3, 2, 4), (4, 12, 1), 0, False),
    (lambda x: x[:1, :1].expand(5, 6, 4), (5, 6, 4), (0, 0, 1), 0, False),
    (lambda x: x.unfold(1, 2, 1), (2, 2, 4, 2), (12, 4, 1, 4), 0, False),
    (lambda x: x.diagonal(1, 1, 2), (2, 3), (12, 5), 1, False),
    (lambda x: x[:1].squeeze(0), (3, 4), (4, 1), 0, True),
    (lambda x: x.view(4, 6), (4, 6), (6, 1), 0, True),
    (lambda x: x.unsqueeze(0).transpose(0, 1), (2, 1, 3, 4), (12, 24, 4, 1), 0, True),
    (lambda x: x[:0], (0, 3, 4), (12, 4, 1), 0, True),
]


@pytest.mark.parametrize("i", range(len(LAYOUTS)))
def test_layout(i: int) -> None:
    make, shape, stride, offset, contiguous = LAYOUTS[i]
    v = make(base())
    assert tuple(v.shape) == tuple(v.size()) == shape
    assert v.stride() == stride
    assert [v.stride(d) for d in range(v.dim())] == list(stride)
    assert v.storage_offset() == offset
    assert v.is_contiguous() == contiguous
    c = v.contiguous()
    assert c.is_contiguous()
    assert (c.data_ptr() == v.data_ptr()) == contiguous or v.numel() == 0
    assert v.numel() == v.nelement() == int(np.prod(shape))
    assert v.element_size() == 4
    assert v.ndim == len(shape)


def test_reshape_copies_only_when_it_must() -> None:
    x = base()
    assert shares(x.reshape(6, 4), x)
    t = x.transpose(0, 1)
    assert not shares(t.reshape(-1), x)
    np.testing.assert_array_equal(t.reshape(-1).numpy(), x.numpy().swapaxes(0, 1).ravel())
    assert shares(x[:, :, ::2].reshape(2, 3, 2, 1), x)
    assert shares(x.transpose(0, 1).view(3, 2, 2, 2), x)  # splitting a dimension always works


def test_clone_and_copy_do_not_share() -> None:
    x = base()
    assert not shares(x.clone(), x)
    assert not shares(x + 0, x)
    assert x.to(plait.float32) is x
    assert not shares(x.to(plait.float32, copy=True), x)
    assert x.contiguous() is x
    assert not shares(plait.tensor(x.tolist()), x)
    assert x.float() is x


def test_view_needs_compatible_strides() -> None:
    x = base().transpose(0, 1)
    with pytest.raises((RuntimeError, ValueError), match=r"reshape|contiguous"):
        x.view(-1)
    with pytest.raises((RuntimeError, ValueError), match=r"reshape|contiguous"):
        x.view(6, 4)


def test_view_error_says_which_size_fits() -> None:
    """The classical mistake: the flat size behind the last convolution."""
    x = plait.zeros(64, 64, 12, 12)
    with pytest.raises(ValueError, match=r"9216"):
        x.view(-1, 1000)
    with pytest.raises(ValueError, match=r"\(64, 64, 12, 12\)"):
        x.view(64, 100)
    with pytest.raises(ValueError, match=r"9216"):
        x.view(64, 1000)
    with pytest.raises(ValueError, match=r"144"):
        x.reshape(64, 64, 143)


@pytest.mark.parametrize("shape", [(-1, -1), (-2, 12), (5,), (0, -1), (2**62, 4), (2**63 - 1,), (-(2**63), 1), (7, -1)])
def test_wrong_sizes(shape: tuple[int, ...]) -> None:
    with pytest.raises((RuntimeError, ValueError, OverflowError)):
        base().view(shape)
    with pytest.raises((RuntimeError, ValueError, OverflowError)):
        base().reshape(shape)


def test_empty_tensors() -> None:
    x = plait.zeros(0, 3)
    assert x.view(3, 0).shape == (3, 0)
    assert x.reshape(0, 7).shape == (0, 7)
    with pytest.raises((RuntimeError, ValueError)):
        x.view(-1, 0)
    assert x.T.shape == (3, 0)
    assert x.expand(2, 0, 3).shape == (2, 0, 3)
    assert x.sum().item() == 0
    assert x.is_contiguous()


def test_as_strided_stays_inside() -> None:
    x = plait.arange(6.0)
    for size, stride, offset in (((7,), (1,), 0), ((2, 3), (3, 2), 0), ((1,), (1,), 6), ((2,), (2**62,), 0)):
        with pytest.raises((RuntimeError, ValueError)):
            x.as_strided(size, stride, offset)
    with pytest.raises((RuntimeError, ValueError)):
        x.as_strided((2,), (-1,), 3)


def test_view_dtype() -> None:
    x = plait.tensor([1.0, -2.0])
    assert x.view(plait.int32).tolist() == [0x3F800000, -0x40000000]
    assert x.view(plait.uint8).shape == (8,)
    assert x.view(plait.int32).view(plait.float32).tolist() == [1.0, -2.0]
    with pytest.raises(RuntimeError):
        plait.zeros(3).view(plait.float64)


def test_size_is_a_tuple() -> None:
    s = base().shape
    assert isinstance(s, tuple)
    assert s == (2, 3, 4)
    assert s.numel() == 24
    assert s[0] == 2 and s[-1] == 4
    assert isinstance(s[1:], plait.Size)
    assert repr(s).endswith("Size([2, 3, 4])")
    assert base().size(-1) == 4
    with pytest.raises(IndexError):
        base().size(3)


def test_copies_of_other_geometries() -> None:
    x = plait.arange(12.0, requires_grad=True)
    for y in (plait.as_strided_copy(x, (3, 2), (4, 1)), plait.view_copy(x, (3, 4))[:, :2]):
        assert y.tolist() == [[0, 1], [4, 5], [8, 9]] and not y._shares_storage(x)
        assert plait.autograd.grad(y.sum(), x)[0].tolist() == [1, 1, 0, 0] * 3
    assert plait.view_copy(plait.tensor([1.0]), plait.int32).tolist() == [0x3F800000]
    with pytest.raises(ValueError, match="storage"):
        plait.as_strided_copy(x, (7,), (2,))
    z = plait.arange(4)
    assert z.as_strided_((2,), (3,)) is z and z.tolist() == [0, 3]
    assert plait.as_strided_scatter(plait.zeros(2, 3).t(), plait.ones(2), (2,), (1,)).tolist() == [
        [1, 0],
        [1, 0],
        [0, 0],
    ]


def test_second_derivatives_take_gradients_from_anywhere() -> None:
    """The gradient of a view's gradient may itself be a view into a larger tensor."""
    room = plait.arange(40.0).reshape(8, 5)
    for view in (
        lambda x: x[1],
        lambda x: x[:, 2],
        lambda x: x[::2, 1:],
        lambda x: x.diagonal(),
        lambda x: x.unfold(0, 2, 1),
        lambda x: x.narrow(0, 1, 2),
        lambda x: x.as_strided((2,), (3,), 1),
        lambda x: x.split(2)[1],
    ):
        for v in (room[3:7, :4], room.t()[1:5, 2:6], room[4:].reshape(-1)[4:].reshape(4, 4)):
            x = plait.ones(4, 4, requires_grad=True)
            u = plait.zeros_like(view(x)).requires_grad_()
            (g,) = plait.autograd.grad(view(x), x, u, create_graph=True)
            assert plait.equal(
                plait.autograd.grad(g, u, v)[0], view(v.contiguous().clone())
            )  # offset 0, for as_strided


@pytest.mark.parametrize("dtype", [plait.uint8, plait.int16, plait.float32, plait.float64, plait.complex128], ids=str)
def test_rows_of_any_length_are_reversed(dtype: plait.dtype) -> None:
    for n in [*range(1, 140), 255, 256, 257]:
        x = (plait.rand(3, n) * 255).to(dtype)
        assert (x.flip(-1).numpy() == x.numpy()[:, ::-1]).all()
        assert (x[:, : n // 2].flip(0, 1).numpy() == x.numpy()[::-1, : n // 2][:, ::-1]).all()
