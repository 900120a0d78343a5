# SPDX-License-Identifier: MIT
"""What processes do together, with gradients. In a group of one the results are the operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait import Tensor
from plait.distributed import ReduceOp, get_world_size

__all__ = ["all_gather", "all_reduce", "all_to_all", "broadcast", "gather", "reduce", "reduce_scatter", "scatter"]


def _of_one(value: Tensor, group: Any) -> Tensor:
    get_world_size(group)  # raises if there is no group
    return value.clone()


def all_reduce(tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None) -> Tensor:
    """The combination of the tensors of all processes."""
    return _of_one(tensor, group)


def reduce(tensor: Tensor, dst: int, op: Any = ReduceOp.SUM, group: Any = None) -> Tensor:
    """The combination of the tensors of all processes."""
    return _of_one(tensor, group)


def broadcast(tensor: Tensor, src: int, group: Any = None) -> Tensor:
    """The tensor of the process ``src``."""
    return _of_one(tensor, group)


def all_gather(tensor: Tensor, group: Any = None) -> tuple[Tensor, ...]:
    """The tensors of all processes."""
    return (_of_one(tensor, group),)


def gather(tensor: Tensor, dst: int = 0, group: Any = None) -> tuple[Tensor, ...]:
    """The tensors of all processes."""
    return (_of_one(tensor, group),)


def scatter(tensors: Sequence[Tensor], src: int = 0, group: Any = None) -> Tensor:
    """The tensor that is meant for this process."""
    (tensor,) = tensors
    return _of_one(tensor, group)


def reduce_scatter(output: Tensor, input_list: Sequence[Tensor], op: Any = ReduceOp.SUM, group: Any = None) -> Tensor:
    """The part of the combination that is meant for this process."""
    (tensor,) = input_list
    return _of_one(tensor, group)


def all_to_all(
    output_tensor_list: list[Tensor], input_tensor_list: Sequence[Tensor], group: Any = None
) -> tuple[Tensor, ...]:
    """The tensors that are meant for this process."""
    (tensor,) = input_tensor_list
    return (_of_one(tensor, group),)
