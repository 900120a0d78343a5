# SPDX-License-Identifier: MIT
"""The workloads: one function each, written once against a module with PyTorch's names.

A function gets that module as `torch` and a `Data` that makes its inputs, and returns a `Case`. Building a
workload twice, once per library, gives the same inputs; the runner then copies the initial weights across.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Kind = Literal["train", "inference", "op"]


class Data:
    """Inputs as tensors of one library; the same numbers for each library."""

    def __init__(self, torch: Any, seed: int) -> None:
        self._torch = torch
        self._rng = np.random.default_rng(seed)

    def normal(self, *shape: int) -> Any:
        return self._tensor(self._rng.standard_normal(shape, dtype=np.float32))

    def uniform(self, *shape: int) -> Any:
        return self._tensor(self._rng.random(shape, dtype=np.float32))

    def integers(self, high: int, *shape: int) -> Any:
        return self._tensor(self._rng.integers(0, high, shape))

    def _tensor(self, array: np.ndarray) -> Any:
        # clone(): the memory then comes from the library's own allocator, as in a real program.
        return self._torch.from_numpy(array).clone()


@dataclass
class Case:
    """A workload built for one library.

    step     runs the workload once and returns what the two libraries are compared by: a tensor or a tuple.
    modules  whose parameters and buffers are copied across, and set back before every timed round.
    """

    step: Callable[[], Any]
    modules: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Workload:
    """A declared workload.

    flops and traffic are the arithmetic and the least memory traffic in bytes of one step, where they say
    something; rtol bounds the difference between the libraries relative to the largest value.
    """

    name: str
    kind: Kind
    build: Callable[[Any, Data], Case]
    flops: float
    traffic: float
    rtol: float

    def case(self, torch: Any) -> Case:
        return self.build(torch, Data(torch, zlib.crc32(self.name.encode())))


_all: dict[str, Workload] = {}


def workload(
    kind: Kind, name: str, *, flops: float = 0, traffic: float = 0, rtol: float | None = None
) -> Callable[[Callable[[Any, Data], Case]], Callable[[Any, Data], Case]]:
    """Declares the decorated function as a workload."""

    def declare(build: Callable[[Any, Data], Case]) -> Callable[[Any, Data], Case]:
        assert name not in _all, name
        _all[name] = Workload(name, kind, build, flops, traffic, rtol or (1e-5 if kind == "op" else 2e-3))
        return build

    return declare


def load() -> list[Workload]:
    """All workloads, in the order of the results table."""
    for module in (
        "mlp",
        "mnist_cnn",
        "resnet",
        "recurrent",
        "gpt",
        "autoencoder",
        "dcgan",
        "graph",
        "pointwise",
        "reductions",
        "spectral",
        "special",
        "counting",
        "complex_numbers",
        "matmul",
        "convolution",
        "attention",
        "movement",
        "optimizer",
        "linalg",
    ):
        importlib.import_module(f"{__name__}.{module}")
    return list(_all.values())


def train_step(optimizer: Any, loss: Callable[[], Any]) -> Callable[[], Any]:
    """zero_grad, forward, backward, step; returns the loss."""

    def step() -> Any:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        return value.detach()

    return step
