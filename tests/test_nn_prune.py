# SPDX-License-Identifier: MIT
"""Pruning: masks, their combination, what stays trainable."""

from __future__ import annotations

import copy

import pytest

import plait
from plait import nn
from plait.nn.utils import prune


def layer() -> nn.Linear:
    module = nn.Linear(4, 3)
    with plait.no_grad():
        module.weight.copy_(plait.arange(12.0).reshape(3, 4) - 5)
    return module


def test_smallest_entries() -> None:
    module = layer()
    prune.l1_unstructured(module, "weight", 4)
    assert module.weight_mask.tolist() == [[1, 1, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1]]
    assert set(dict(module.named_parameters())) == {"weight_orig", "bias"}
    assert set(module.state_dict()) == {"weight_orig", "weight_mask", "bias"}
    assert prune.is_pruned(module) and prune.is_pruned(nn.Sequential(module))
    module(plait.ones(1, 4)).sum().backward()
    assert module.weight_orig.grad.tolist() == module.weight_mask.tolist()
    with plait.no_grad():
        module.weight_orig.fill_(2)
    assert module(plait.ones(4)).shape == (3,)
    assert module.weight.tolist() == (2 * module.weight_mask).tolist()
    again = copy.deepcopy(module)
    assert plait.equal(again(plait.ones(4)), module(plait.ones(4)))
    prune.remove(module, "weight")
    assert not prune.is_pruned(module) and set(module.state_dict()) == {"weight", "bias"}
    assert isinstance(module.weight, nn.Parameter) and (module.weight == 0).sum() == 4


def test_pruning_again_combines_the_masks() -> None:
    module = layer()
    prune.l1_unstructured(module, "weight", 0.25)  # 3 of 12
    prune.l1_unstructured(module, "weight", 3)  # of those that are left
    assert module.weight_mask.sum() == 6
    prune.ln_structured(module, "weight", 1, 2, dim=0)
    assert (module.weight_mask.sum(1) == 0).sum() >= 1
    hooks = [h for h in module._forward_pre_hooks.values() if isinstance(h, prune.BasePruningMethod)]
    assert len(hooks) == 1 and len(hooks[0]) == 3
    prune.random_unstructured(module, "bias", 1)
    assert module.bias_mask.sum() == 2
    prune.remove(module, "weight")
    assert prune.is_pruned(module)


def test_slices() -> None:
    module = layer()
    prune.ln_structured(module, "weight", 2, float("inf"), dim=1)
    assert module.weight_mask.sum(0).tolist() == [0, 0, 3, 3]
    module = layer()
    prune.random_structured(module, "weight", 0.34, dim=0)
    assert sorted(module.weight_mask.sum(1).tolist()) == [0, 4, 4]


def test_scores_and_masks() -> None:
    module = layer()
    scores = plait.arange(12.0).reshape(3, 4)
    prune.l1_unstructured(module, "weight", 4, importance_scores=scores)
    assert module.weight_mask.tolist() == [[0] * 4, [1] * 4, [1] * 4]
    mask = plait.tensor([[1, 0, 1, 0]] * 3)
    prune.custom_from_mask(module, "weight", mask)
    assert module.weight_mask.tolist() == [[0] * 4, [1, 0, 1, 0], [1, 0, 1, 0]]
    prune.identity(module, "bias")
    assert module.bias_mask.tolist() == [1, 1, 1]


def test_several_parameters_as_one() -> None:
    a, b = layer(), layer()
    with plait.no_grad():
        b.weight.mul_(100).add_(50)
    prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=6)
    assert a.weight_mask.sum() == 6 and b.weight_mask.sum() == 12
    with pytest.raises(TypeError, match="LnStructured"):
        prune.global_unstructured([(a, "weight")], prune.LnStructured, amount=1, n=2)


def test_refuses() -> None:
    for amount, error in ((-1, ValueError), (1.5, ValueError), ("a", TypeError), (True, TypeError)):
        with pytest.raises(error, match="amount"):
            prune.L1Unstructured(amount)
    with pytest.raises(ValueError, match="at most 12"):
        prune.l1_unstructured(layer(), "weight", 13)
    with pytest.raises(ValueError, match="importance_scores"):
        prune.l1_unstructured(layer(), "weight", 1, importance_scores=plait.ones(2))
    with pytest.raises(ValueError, match="not been pruned"):
        prune.remove(layer(), "weight")
    with pytest.raises(ValueError, match="2 dimensions"):
        prune.random_structured(layer(), "bias", 1, 0)
