# SPDX-License-Identifier: MIT
"""Ops that move, join, repeat and select values without computing. Views: also test_views.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .spec import ALL, NUMBERS, Gen, OpSpec, Sample, bad, case

F = "nn.functional."


def move(name: str, ref: Callable, samples: Callable[[Gen], Iterable[Sample]], **options: Any) -> OpSpec:
    return OpSpec(name, ref, samples, **({"dtypes": ALL, "out": "input"} | options))


def flatten(x: np.ndarray, start_dim: int = 0, end_dim: int = -1) -> np.ndarray:
    if x.ndim == 0:
        return x.reshape(1)
    start, end = start_dim % x.ndim, end_dim % x.ndim
    return x.reshape(*x.shape[:start], int(np.prod(x.shape[start : end + 1])), *x.shape[end + 1 :])


def squeeze(x: np.ndarray, dim: Any = None) -> np.ndarray:
    if dim is None:
        return np.squeeze(x)
    dims = [d % max(x.ndim, 1) for d in (dim if isinstance(dim, tuple) else (dim,))]
    return np.squeeze(x, tuple(d for d in dims if x.ndim and x.shape[d] == 1))


def diagonal(x: np.ndarray, offset: int = 0, dim1: int = 0, dim2: int = 1) -> np.ndarray:
    return np.diagonal(x, offset, dim1, dim2)


def repeat(x: np.ndarray, *sizes: int) -> np.ndarray:
    return np.tile(x, sizes)


def expand(x: np.ndarray, *sizes: int) -> np.ndarray:
    lead = len(sizes) - x.ndim
    full = [x.shape[i - lead] if n == -1 else n for i, n in enumerate(sizes)]
    return np.broadcast_to(x, full)


def cat(xs: list[np.ndarray], dim: int = 0) -> np.ndarray:
    kept = [x for x in xs if x.shape != (0,)] or xs  # an empty 1-d tensor joins anything
    return np.concatenate(kept, axis=dim)


def cat_samples(g: Gen) -> Iterable[Sample]:
    yield case([g(3), g(1), g(17)])
    yield case([g(2, 3), g(4, 3)], dim=0)
    yield case([g(2, 3), g(2, 17), g(2, 1)], dim=1)
    yield case([g(2, 3, 4), g(2, 5, 4)], dim=-2)
    yield case([g(0), g(2, 3)], dim=1)
    yield case([g(2, 0), g(2, 3)], dim=1)
    yield case([g(33)])
    yield case([g(5, 3).T, g(4, 5).T.T[:3]], dim=1)


def cat_large(g: Gen) -> Iterable[Sample]:
    yield case([g(301, 499), g(302, 499)])
    yield case([g(601, 99), g(601, 401)], dim=1)


def stack_samples(g: Gen) -> Iterable[Sample]:
    yield case([g(3), g(3)])
    yield case([g(2, 3), g(2, 3), g(2, 3)], dim=1)
    yield case([g(2, 3), g(2, 3)], dim=-1)
    yield case([g(), g()])
    yield case([g(17)], dim=1)


def split(x: np.ndarray, size: Any, dim: int = 0) -> list[np.ndarray]:
    n = x.shape[dim]
    cuts = np.cumsum(size)[:-1] if isinstance(size, list) else range(size, n, size)
    return np.split(x, list(cuts), axis=dim)


def chunk(x: np.ndarray, chunks: int, dim: int = 0) -> list[np.ndarray]:
    return split(x, max(1, -(-x.shape[dim] // chunks)), dim)


def tensor_split(x: np.ndarray, sections: Any, dim: int = 0) -> list[np.ndarray]:
    return np.array_split(x, list(sections) if isinstance(sections, tuple) else sections, axis=dim)


def triangle_samples(g: Gen) -> Iterable[Sample]:
    for shape in ((1, 1), (3, 3), (5, 17), (17, 5), (2, 4, 4), (0, 3)):
        yield case(g(*shape))
    for k in (-20, -2, -1, 1, 2, 20):
        yield case(g(5, 7), k)
        yield case(g(2, 4, 3), diagonal=k)


def triangle_large(g: Gen) -> Iterable[Sample]:
    yield case(g(601, 499))


def roll(x: np.ndarray, shifts: Any, dims: Any = None) -> np.ndarray:
    return np.roll(x, shifts, dims)


PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(x: np.ndarray, widths: Any, mode: str = "constant", value: float | None = None) -> np.ndarray:
    pairs = [(0, 0)] * (x.ndim - len(widths) // 2) + list(zip(widths[::2], widths[1::2]))[::-1]
    for axis, (before, after) in enumerate(pairs):  # negative widths cut
        x = np.take(x, range(max(-before, 0), x.shape[axis] - max(-after, 0)), axis=axis)
    positive = [(max(a, 0), max(b, 0)) for a, b in pairs]
    if mode == "constant":
        return np.pad(x, positive, constant_values=np.asarray(value or 0).astype(x.dtype))
    return np.pad(x, positive, mode=PAD_MODES[mode])


def pad_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(5), (1, 2))
    yield case(g(2, 3), (1, 2))
    yield case(g(2, 3), (1, 0, 2, 1))
    yield case(g(2, 3, 4), (0, 1, 2, 3, 1, 0), "constant", 2)
    yield case(g(17), (-2, 3))
    yield case(g(3, 5), (-1, -1, 1, -1), value=1)
    yield case(g(2, 3), (0, 0))
    yield case(g(0, 3), (1, 1, 2, 0))


def pad_mode_samples(g: Gen) -> Iterable[Sample]:
    for mode in ("reflect", "replicate", "circular"):
        yield case(g(2, 3, 5), (2, 1), mode=mode)
        yield case(g(1, 2, 4, 5), (2, 1, 1, 3), mode=mode)
        yield case(g(3, 7), (3, 2), mode=mode)


def repeat_interleave(x: np.ndarray, repeats: Any, dim: int | None = None) -> np.ndarray:
    return np.repeat(x, repeats, axis=dim)


def diag(x: np.ndarray, diagonal: int = 0) -> np.ndarray:
    return np.diag(x, diagonal)


def diag_embed(x: np.ndarray, offset: int = 0) -> np.ndarray:
    n = x.shape[-1] + abs(offset)
    y = np.zeros((*x.shape[:-1], n, n), x.dtype)
    i = np.arange(x.shape[-1])
    y[..., i + max(-offset, 0), i + max(offset, 0)] = x
    return y


def unfold(x: np.ndarray, dim: int, size: int, step: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, size, axis=dim)[
        tuple(slice(None, None, step) if a == dim % x.ndim else slice(None) for a in range(x.ndim))
    ]


def meshgrid(*xs: np.ndarray, indexing: str = "ij") -> list[np.ndarray]:
    return np.meshgrid(*xs, indexing=indexing)


def cross(a: np.ndarray, b: np.ndarray, dim: int = -1) -> np.ndarray:
    return np.cross(a, b, axis=dim)


def movedim_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(2, 3, 4), 0, -1)
    yield case(g(2, 3, 4), (0, 1), (2, 0))


def each(*samples: Callable[[Gen], Sample]) -> Callable[[Gen], Iterable[Sample]]:
    return lambda g: (s(g) for s in samples)


def cartesian_prod(*xs: np.ndarray) -> np.ndarray:
    grids = np.meshgrid(*xs, indexing="ij")
    return np.stack([a.ravel() for a in grids], -1) if len(xs) > 1 else xs[0]


def pad_constant(x: np.ndarray, widths: Any, value: float = 0) -> np.ndarray:
    return pad(x, widths, value=value)


def put_slice(x: np.ndarray, src: np.ndarray, dim: int, where: Any) -> np.ndarray:
    result = x.copy()
    result[(slice(None),) * (dim % x.ndim) + (where,)] = src
    return result


def diagonal_scatter(x: np.ndarray, src: np.ndarray, offset: int = 0, dim1: int = 0, dim2: int = 1) -> np.ndarray:
    result = x.copy()
    view = np.diagonal(result, offset, dim1, dim2)
    view.setflags(write=True)
    view[...] = src
    return result


SPECS = [
    move(
        "reshape",
        lambda x, shape: x.reshape(shape),
        each(
            lambda g: case(g(2, 6), (3, 4)),
            lambda g: case(g(2, 6), (-1,)),
            lambda g: case(g(6, 4).T, (3, -1)),
            lambda g: case(g(), (1, 1)),
            lambda g: case(g(1), ()),
            lambda g: case(g(0, 3), (3, 0)),
        ),
        errors=lambda: [
            bad(ValueError, r"(reshape|view).*\(2, 6\)", np.ones((2, 6)), (5, 2)),
            bad(ValueError, "reshape|view", np.ones((2, 6)), (-1, -1)),
            bad(ValueError, "reshape|view", np.ones((2, 6)), (-1, 5)),
            bad(ValueError, "reshape|view", np.ones((2, 6)), (-2, 6)),
        ],
    ),
    move(
        "flatten",
        flatten,
        each(
            lambda g: case(g(2, 3, 4)),
            lambda g: case(g(2, 3, 4), 1),
            lambda g: case(g(2, 3, 4, 5), 1, 2),
            lambda g: case(g()),
            lambda g: case(g(3, 2).T),
        ),
        errors=lambda: [
            bad(ValueError, "flatten", np.ones((2, 3)), 1, 0),
            bad(IndexError, "flatten", np.ones((2, 3)), 2),
        ],
    ),
    move(
        "unflatten",
        lambda x, dim, sizes: x.reshape(*x.shape[:dim], *sizes, *x.shape[dim + 1 :]),
        each(lambda g: case(g(2, 6), 1, (2, 3)), lambda g: case(g(8, 2), 0, (4, 2))),
    ),
    move(
        "squeeze",
        squeeze,
        each(
            lambda g: case(g(1, 3, 1)),
            lambda g: case(g(1, 3, 1), 0),
            lambda g: case(g(1, 3, 1), 1),
            lambda g: case(g(1, 3, 1), -1),
            lambda g: case(g(1, 3, 1), (0, 2)),
            lambda g: case(g()),
        ),
        errors=lambda: [bad(IndexError, "squeeze.*3", np.ones((1, 3)), 3)],
    ),
    move(
        "unsqueeze",
        lambda x, dim: np.expand_dims(x, dim),
        each(lambda g: case(g(3), 0), lambda g: case(g(3), -1), lambda g: case(g(2, 3), 1), lambda g: case(g(), 0)),
        errors=lambda: [bad(IndexError, "unsqueeze.*3", np.ones((2, 3)), 3)],
    ),
    move(
        "permute",
        np.transpose,
        each(lambda g: case(g(2, 3, 4), (2, 0, 1)), lambda g: case(g(2, 3), (-1, 0)), lambda g: case(g(), ())),
        errors=lambda: [
            bad((ValueError, RuntimeError), "permute", np.ones((2, 3)), (0, 0)),
            bad((ValueError, RuntimeError), "permute", np.ones((2, 3)), (0,)),
            bad(IndexError, "permute", np.ones((2, 3)), (0, 2)),
        ],
    ),
    move(
        "transpose",
        lambda x, a, b: np.swapaxes(x, a, b) if x.ndim else x,
        each(lambda g: case(g(2, 3, 4), 0, 2), lambda g: case(g(2, 3), -1, -2), lambda g: case(g(), 0, 0)),
        errors=lambda: [bad(IndexError, "transpose.*2", np.ones((2, 3)), 0, 2)],
    ),
    move("swapaxes", np.swapaxes, each(lambda g: case(g(2, 3, 4), 0, 2))),
    move("swapdims", np.swapaxes, each(lambda g: case(g(2, 3, 4), 0, 2))),
    move("movedim", np.moveaxis, movedim_samples),
    move("moveaxis", np.moveaxis, movedim_samples),
    move(
        "t",
        np.transpose,
        each(lambda g: case(g(2, 3)), lambda g: case(g(3)), lambda g: case(g())),
        errors=lambda: [bad(ValueError, r"\bt\b", np.ones((2, 3, 4)))],
    ),
    move(
        "narrow",
        lambda x, d, s, n: np.take(x, range(s % (x.shape[d] + 1), s % (x.shape[d] + 1) + n), axis=d),
        each(lambda g: case(g(5, 3), 0, 1, 2), lambda g: case(g(5, 3), -1, 0, 3), lambda g: case(g(5), 0, 5, 0)),
        errors=lambda: [
            bad((ValueError, IndexError), "narrow", np.ones(5), 0, 4, 2),
            bad((ValueError, IndexError), "narrow", np.ones(5), 0, 0, -1),
        ],
    ),
    move(
        "select",
        lambda x, d, i: np.take(x, i, axis=d),
        each(lambda g: case(g(5, 3), 0, 1), lambda g: case(g(5, 3), 1, -1)),
        errors=lambda: [bad(IndexError, "select.*5", np.ones(5), 0, 5), bad(IndexError, "select", np.ones(()), 0, 0)],
    ),
    move(
        "diagonal",
        diagonal,
        each(
            lambda g: case(g(3, 5)),
            lambda g: case(g(5, 3), 1),
            lambda g: case(g(5, 3), -2),
            lambda g: case(g(2, 3, 4), 0, 1, 2),
            lambda g: case(g(3, 3), 7),
        ),
        errors=lambda: [bad((ValueError, RuntimeError), "diagonal", np.ones((3, 3)), 0, 1, 1)],
    ),
    move(
        "diag",
        diag,
        each(lambda g: case(g(3)), lambda g: case(g(4), 1), lambda g: case(g(3, 5)), lambda g: case(g(5, 3), -1)),
        errors=lambda: [bad(ValueError, "diag", np.ones((2, 2, 2)))],
    ),
    move("diag_embed", diag_embed, each(lambda g: case(g(3)), lambda g: case(g(2, 3), 1), lambda g: case(g(2, 3), -1))),
    move(
        "trace",
        lambda x: np.trace(x),
        each(lambda g: case(g(3, 3)), lambda g: case(g(5, 3))),
        dtypes=("float32", "float64"),
        tol=4,
        scale=8.0,
    ),
    move(
        "Tensor.repeat",
        repeat,
        each(
            lambda g: case(g(3), 2),
            lambda g: case(g(2, 3), 2, 1, 3),
            lambda g: case(g(), 3),
            lambda g: case(g(2, 3), 0, 2),
        ),
        variants="f",
        errors=lambda: [bad(ValueError, "repeat", np.ones((2, 3)), 2), bad(ValueError, "repeat.*-1", np.ones(3), -1)],
    ),
    move(
        "Tensor.expand",
        expand,
        each(
            lambda g: case(g(3), 2, 3),
            lambda g: case(g(3, 1), 3, 4),
            lambda g: case(g(1, 3), 5, -1),
            lambda g: case(g(), 2, 2),
            lambda g: case(g(1), 0),
        ),
        variants="f",
        errors=lambda: [
            bad(ValueError, r"expand.*\(3,\)", np.ones(3), 2, 4),
            bad(ValueError, "expand", np.ones((2, 3)), 3),
        ],
    ),
    move(
        "Tensor.unfold",
        unfold,
        each(lambda g: case(g(7), 0, 3, 2), lambda g: case(g(3, 5), 1, 2, 1), lambda g: case(g(5, 3), 0, 5, 1)),
        variants="f",
        errors=lambda: [
            bad((ValueError, RuntimeError), "unfold", np.ones(3), 0, 4, 1),
            bad((ValueError, RuntimeError), "unfold", np.ones(3), 0, 2, 0),
        ],
    ),
    move(
        "tile",
        lambda x, reps: np.tile(x, reps),
        each(lambda g: case(g(3), (2,)), lambda g: case(g(2, 3), (2, 1, 2)), lambda g: case(g(2, 3), (2,))),
    ),
    move(
        "repeat_interleave",
        repeat_interleave,
        each(
            lambda g: case(g(3), 2),
            lambda g: case(g(2, 3), 3, dim=1),
            lambda g: case(g(3, 2), np.array([1, 0, 2]), dim=0),
        ),
    ),
    move(
        "cat",
        cat,
        cat_samples,
        large=cat_large,
        variants="fo",
        errors=lambda: [
            bad(ValueError, r"cat.*\(2, 3\).*\(2, 4\)", [np.ones((2, 3)), np.ones((2, 4))]),
            bad(ValueError, "cat", [np.ones((2, 3)), np.ones(3)]),
            bad(ValueError, "cat", []),
            bad(IndexError, "cat.*2", [np.ones((2, 3))], dim=2),
        ],
    ),
    move("concat", cat, lambda g: [case([g(2, 3), g(4, 3)])], variants="f"),
    move("concatenate", cat, lambda g: [case([g(2, 3), g(4, 3)])], variants="f"),
    move(
        "stack",
        lambda xs, dim=0: np.stack(xs, dim),
        stack_samples,
        variants="fo",
        errors=lambda: [
            bad(ValueError, r"stack.*\(2, 3\).*\(2, 4\)", [np.ones((2, 3)), np.ones((2, 4))]),
            bad(ValueError, "stack", []),
            bad(IndexError, "stack.*3", [np.ones((2, 3))], dim=3),
        ],
    ),
    move("hstack", np.hstack, lambda g: [case([g(3), g(2)]), case([g(2, 3), g(2, 1)])], variants="f"),
    move("vstack", np.vstack, lambda g: [case([g(3), g(3)]), case([g(2, 3), g(1, 3)])], variants="f"),
    move("dstack", np.dstack, lambda g: [case([g(3), g(3)]), case([g(2, 3), g(2, 3)])], variants="f"),
    move("column_stack", np.column_stack, lambda g: [case([g(3), g(3, 2)])], variants="f"),
    move(
        "split",
        split,
        each(
            lambda g: case(g(7), 3),
            lambda g: case(g(5, 4), 2, 1),
            lambda g: case(g(5), [2, 3]),
            lambda g: case(g(5, 4), [1, 0, 3], dim=1),
            lambda g: case(g(3), 5),
        ),
        errors=lambda: [
            bad((ValueError, RuntimeError), "split", np.ones(5), [2, 2]),
            bad((ValueError, RuntimeError), "split", np.ones(5), -1),
        ],
    ),
    move(
        "chunk",
        chunk,
        each(lambda g: case(g(7), 3), lambda g: case(g(4, 6), 4, 1), lambda g: case(g(2), 5)),
        errors=lambda: [bad((ValueError, RuntimeError), "chunk", np.ones(5), 0)],
    ),
    move(
        "tensor_split",
        tensor_split,
        each(lambda g: case(g(7), 3), lambda g: case(g(7), (2, 5)), lambda g: case(g(3, 5), 2, dim=1)),
    ),
    move(
        "unbind",
        lambda x, dim=0: [np.take(x, i, axis=dim) for i in range(x.shape[dim])],
        each(lambda g: case(g(3, 2)), lambda g: case(g(3, 2), 1), lambda g: case(g(2))),
    ),
    move(
        "flip",
        lambda x, dims: np.flip(x, dims),
        each(
            lambda g: case(g(7), (0,)),
            lambda g: case(g(3, 17), (1,)),
            lambda g: case(g(2, 3, 4), (0, -1)),
            lambda g: case(g(0, 2), (0,)),
        ),
        large=lambda g: [case(g(601, 499), (0,)), case(g(601, 499), (0, 1))],
        errors=lambda: [
            bad(IndexError, "flip.*2", np.ones((2, 3)), (2,)),
            bad((ValueError, RuntimeError), "flip", np.ones((2, 3)), (0, 0)),
        ],
    ),
    move("fliplr", np.fliplr, each(lambda g: case(g(3, 4)))),
    move("flipud", np.flipud, each(lambda g: case(g(3, 4)))),
    move(
        "rot90",
        lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims),
        each(lambda g: case(g(3, 4)), lambda g: case(g(3, 4), 3)),
    ),
    move(
        "roll",
        roll,
        each(
            lambda g: case(g(7), 3),
            lambda g: case(g(3, 5), 4),
            lambda g: case(g(3, 5), -1, 0),
            lambda g: case(g(3, 5), (1, 2), (0, 1)),
            lambda g: case(g(3, 5), (2, 2), (1, 1)),
            lambda g: case(g(0), 1),
        ),
        large=lambda g: [case(g(601, 499), 7, 0), case(g(300_007), 11)],
        errors=lambda: [
            bad((ValueError, RuntimeError), "roll", np.ones((2, 3)), (1, 2), (0,)),
            bad(IndexError, "roll.*2", np.ones((2, 3)), 1, 2),
        ],
    ),
    move(
        "tril",
        lambda x, diagonal=0: np.tril(x, diagonal),
        triangle_samples,
        large=triangle_large,
        variants="fmi",
        errors=lambda: [bad((ValueError, RuntimeError), "tril", np.ones(3))],
    ),
    move(
        "triu",
        lambda x, diagonal=0: np.triu(x, diagonal),
        triangle_samples,
        large=triangle_large,
        variants="fmi",
        errors=lambda: [bad((ValueError, RuntimeError), "triu", np.ones(3))],
    ),
    move(
        F + "pad",
        pad,
        pad_samples,
        large=lambda g: [case(g(7, 201, 199), (3, 4, 2, 1))],
        variants="f",
        errors=lambda: [
            bad((ValueError, RuntimeError), "pad", np.ones((2, 3)), (1,)),
            bad((ValueError, RuntimeError), "pad", np.ones(3), (1, 1, 1, 1)),
            bad((ValueError, RuntimeError), "pad", np.ones(3), (-2, -2)),
            bad((ValueError, NotImplementedError), "pad.*mirror", np.ones((1, 1, 3)), (1, 1), "mirror"),
        ],
    ),
    move(
        F + "pad",
        pad,
        pad_mode_samples,
        dtypes=("float32", "float64", "int64"),
        variants="f",
        errors=lambda: [bad((ValueError, RuntimeError), "pad", np.ones((1, 1, 3)), (3, 0), "reflect")],
    ),
    move(
        "meshgrid", meshgrid, lambda g: [case(g(2), g(3), indexing="ij"), case(g(2), g(3), indexing="xy")], variants="f"
    ),
    move("atleast_1d", np.atleast_1d, each(lambda g: case(g()), lambda g: case(g(3))), variants="f"),
    move("atleast_2d", np.atleast_2d, each(lambda g: case(g()), lambda g: case(g(3))), variants="f"),
    move(
        "broadcast_to",
        lambda x, shape: np.broadcast_to(x, shape),
        each(lambda g: case(g(3), (2, 3)), lambda g: case(g(1, 3), (2, 3))),
        errors=lambda: [bad(ValueError, r"(broadcast_to|expand).*\(3,\)", np.ones(3), (2, 4))],
    ),
    move("broadcast_tensors", lambda *xs: np.broadcast_arrays(*xs), lambda g: [case(g(3), g(2, 1))], variants="f"),
    move("clone", lambda x: x, each(lambda g: case(g(3, 4)), lambda g: case(g(0)), lambda g: case(g(3, 2).T))),
    move("cross", cross, each(lambda g: case(g(4, 3), g(4, 3), dim=1)), dtypes=("float32", "float64"), scale=18.0),
    move(
        "cdist",
        lambda a, b: np.sqrt(((a[..., :, None, :] - b[..., None, :, :]) ** 2).sum(-1)),
        lambda g: [
            case(g(5, 3), g(4, 3)),
            case(g(2, 3, 4), g(2, 5, 4)),
            case(g(30, 3), g(4, 3)),
            case(g(2, 3, 4), g(27, 4)),
        ],
        variants="f",
        dtypes=("float32", "float64"),
        tol=64,
        scale=1.0,
    ),
    move("diff", lambda x: np.diff(x), each(lambda g: case(g(7)), lambda g: case(g(3, 5))), dtypes=NUMBERS),
    move("ravel", np.ravel, each(lambda g: case(g(3, 4)))),
    move(
        "block_diag",
        lambda *m: np.block(
            [[m[0], np.zeros((m[0].shape[0], m[1].shape[1]))], [np.zeros((m[1].shape[0], m[0].shape[1])), m[1]]]
        ),
        lambda g: [case(g(2, 3), g(1, 2))],
        variants="f",
        dtypes=("float32", "float64"),
    ),
    move(
        "adjoint", lambda x: np.conj(np.swapaxes(x, -1, -2)), each(lambda g: case(g(3, 4)), lambda g: case(g(2, 3, 4)))
    ),
    move(
        "atleast_3d",
        np.atleast_3d,
        each(lambda g: case(g()), lambda g: case(g(3)), lambda g: case(g(2, 3))),
        variants="f",
    ),
    move(
        "cartesian_prod", cartesian_prod, lambda g: [case(g(3), g(2)), case(g(2), g(3), g(2)), case(g(4))], variants="f"
    ),
    move("constant_pad_nd", pad_constant, lambda g: [case(g(3), (1, 2)), case(g(2, 3), (1, 0, 0, 2), 4)], variants="f"),
    move(
        "diagflat",
        np.diagflat,
        each(lambda g: case(g(3)), lambda g: case(g(2, 3), 1), lambda g: case(g(2), -2), lambda g: case(g())),
    ),
    move(
        "hsplit",
        np.hsplit,
        each(lambda g: case(g(6), 3), lambda g: case(g(2, 6), 2), lambda g: case(g(2, 6), (1, 4))),
        errors=lambda: [
            bad((ValueError, RuntimeError), "hsplit", np.ones(5), 2),
            bad((ValueError, RuntimeError), "hsplit", np.ones(()), 2),
        ],
    ),
    move(
        "vsplit",
        np.vsplit,
        each(lambda g: case(g(6, 2), 3), lambda g: case(g(6, 2), (1, 4))),
        errors=lambda: [bad((ValueError, RuntimeError), "vsplit", np.ones(4), 2)],
    ),
    move(
        "dsplit",
        np.dsplit,
        each(lambda g: case(g(2, 2, 6), 3), lambda g: case(g(2, 2, 6), (1, 4))),
        errors=lambda: [bad((ValueError, RuntimeError), "dsplit", np.ones((4, 4)), 2)],
    ),
    move("row_stack", lambda xs: np.vstack(xs), lambda g: [case([g(3), g(2, 3)])], variants="f"),
    move(
        "split_with_sizes",
        split,
        each(lambda g: case(g(7), [3, 0, 4]), lambda g: case(g(2, 7), [5, 2], 1)),
        errors=lambda: [bad((ValueError, RuntimeError), "split", np.ones(5), [2, 2])],
    ),
    move(
        "select_scatter",
        lambda x, src, dim, index: put_slice(x, src, dim, index),
        each(lambda g: case(g(3, 4), g(4), 0, 1), lambda g: case(g(3, 4), g(3), 1, -1)),
        errors=lambda: [bad((ValueError, RuntimeError), "select_scatter", np.ones((3, 4)), np.ones(3), 0, 1)],
    ),
    move(
        "slice_scatter",
        lambda x, src, dim=0, start=None, end=None, step=1: put_slice(x, src, dim, slice(start, end, step)),
        each(
            lambda g: case(g(6, 4), g(2, 4), 0, 1, 3),
            lambda g: case(g(3, 6), g(3, 3), dim=1, step=2),
            lambda g: case(g(3, 6), g(3, 2), 1, -2),
        ),
        errors=lambda: [bad((ValueError, RuntimeError), "slice_scatter", np.ones((3, 4)), np.ones((2, 4)))],
    ),
    move(
        "diagonal_scatter",
        diagonal_scatter,
        each(
            lambda g: case(g(3, 4), g(3)),
            lambda g: case(g(3, 4), g(3), 1),
            lambda g: case(g(2, 3, 3), g(2, 2), -1, 1, 2),
        ),
        errors=lambda: [bad((ValueError, RuntimeError), "diagonal_scatter", np.ones((3, 4)), np.ones(2))],
    ),
]
