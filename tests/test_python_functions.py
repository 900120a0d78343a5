# SPDX-License-Identifier: MIT
"""Functions that are written in Python refuse what is no tensor as ops of the core do, and know the same names."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

import plait
from plait import linalg
from plait.nn import functional as F

MODULES = {"plait": plait, "nn.functional": F, "linalg": linalg, "fft": plait.fft, "special": plait.special}
SPARSE = {"dsmm", "hspmm", "saddmm", "smm", "spmm", "sspaddmm"}  # whose text asks for a sparse tensor
ELSEWHERE = {"set_rng_state"}  # a state has a text of its own


def functions_of_tensors() -> Iterator[Any]:
    for module_name, module in MODULES.items():
        for name in sorted(module.__all__):
            f = getattr(module, name)
            if not inspect.isfunction(f) or name in SPARSE | ELSEWHERE:
                continue
            parameters = [p for p in inspect.signature(f).parameters.values() if p.default is p.empty and p.kind < 2]
            if any(p.annotation == "Tensor" for p in parameters):
                yield pytest.param(f, parameters, id=f"{module_name}.{name}")


@pytest.mark.parametrize(("f", "parameters"), functions_of_tensors())
def test_what_is_no_tensor_is_refused(f: Any, parameters: list[Any]) -> None:
    usual = [plait.rand(3, 4, 4) if "Tensor" in str(p.annotation) else 2 for p in parameters]
    for i, p in enumerate(parameters):
        if p.annotation != "Tensor":
            continue
        for wrong in (None, "x", 3, object(), [1.0]):
            for positional in (usual[:i] + [wrong] + usual[i + 1 :], usual[:i]):
                keywords = {} if len(positional) > i else {p.name: wrong}
                with pytest.raises(TypeError, match=r"Tensor|missing"):
                    f(*positional, **keywords)


def test_no_value_is_no_tensor() -> None:
    x = plait.ones(2, 3)
    with pytest.raises(TypeError, match="cosine_similarity: expected x2 to be a Tensor, got None"):
        F.cosine_similarity(x, None)
    with pytest.raises(TypeError, match="margin_ranking_loss: expected target to be a Tensor, got None"):
        F.margin_ranking_loss(x, x, None)


def test_names_of_numpy() -> None:
    x = plait.arange(6.0).reshape(2, 3)
    assert linalg.vector_norm(x, axis=1, keepdims=True).tolist() == linalg.vector_norm(x, dim=1, keepdim=True).tolist()
    assert plait.equal(linalg.norm(x, axis=0), linalg.norm(x, dim=0))
    assert plait.amax(x, dim=None).item() == 5 and x.amin(axis=None, keepdims=True).shape == (1, 1)
    with pytest.raises(TypeError, match="axis"):
        linalg.inv(x[:, :2], axis=1)
    with pytest.raises(TypeError, match="axis"):
        linalg.vector_norm(x, axis=1, dim=1)
