# SPDX-License-Identifier: MIT
"""What the processes of a group do together. With one, sums are its own values, and what is sent stays."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from .._core import ArgumentError, ArgumentTypeError, Tensor
from ..autograd.grad_mode import no_grad
from ._group import ReduceOp, Work, find_group

__all__ = [
    "all_gather",
    "all_gather_coalesced",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_reduce",
    "all_reduce_coalesced",
    "all_to_all",
    "all_to_all_single",
    "barrier",
    "batch_isend_irecv",
    "broadcast",
    "broadcast_object_list",
    "gather",
    "gather_object",
    "irecv",
    "isend",
    "monitored_barrier",
    "recv",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
    "scatter_object_list",
    "send",
]


def _check(name: str, *tensors: Any) -> None:
    for t in tensors:
        if not isinstance(t, Tensor):
            raise ArgumentTypeError(f"{name}: expected a Tensor, got {type(t).__name__}")
    if len({t.dtype for t in tensors}) > 1:
        raise ArgumentError(f"{name}: expected tensors of one dtype, got {[t.dtype for t in tensors]}")


def _one(name: str, tensors: Any) -> Any:
    if not isinstance(tensors, Sequence) or len(tensors) != 1:
        got = f"{len(tensors)}" if isinstance(tensors, Sequence) else type(tensors).__name__
        raise ArgumentError(f"{name}: expected a list of one tensor, one for each process, got {got}")
    return tensors[0]


def _root(name: str, rank: int | None, group_rank: int | None, default: int | None = None) -> None:
    root = group_rank if rank is None else rank
    root = default if root is None else root
    if root is None:
        raise ArgumentError(f"{name}: expected the number of a process, got none")
    if root != 0:
        raise ArgumentError(f"{name}: expected the number of a process of the group, 0, got {root}")


def _done(group: Any, async_op: bool, *results: Tensor) -> Work | None:
    return Work(results) if async_op else None


def _write(name: str, target: Any, source: Any, same_shape: bool = True) -> None:
    _check(name, target, source)
    fits = target.shape == source.shape if same_shape else target.numel() == source.numel()
    if not fits:
        raise ArgumentError(f"{name}: expected shape {tuple(source.shape)}, got {tuple(target.shape)}")
    with no_grad():
        target.copy_(source.detach().reshape(target.shape))


def _check_reduction(name: str, op: Any, *tensors: Any) -> None:
    _check(name, *tensors)
    if op == ReduceOp.AVG and not all(t.is_floating_point() or t.is_complex() for t in tensors):
        raise RuntimeError(f"{name}: expected a floating-point dtype for the mean, got {tensors[0].dtype}")
    if op == ReduceOp.PREMUL_SUM:
        raise NotImplementedError(f"{name}: PREMUL_SUM is not there")


def all_reduce(tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Work | None:
    """Combine the tensors of all processes, in place. With one process it stays as it is.

    Args:
        tensor: of any shape and dtype.
        op: how. Default: the sum.
        group: default: the group of all processes.
        async_op: return at once. Default: False.

    Returns:
        None, or with ``async_op`` a :class:`Work`.

    Raises:
        ValueError: there is no group.
        TypeError: ``tensor`` is none.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> x = plait.ones(2)
        >>> distributed.all_reduce(x)
        >>> x
        tensor([1., 1.])
        >>> distributed.destroy_process_group()
    """
    _check_reduction("all_reduce", op, tensor)
    find_group(group)
    return _done(group, async_op, tensor)


def all_reduce_coalesced(
    tensors: Sequence[Tensor], op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """See :func:`all_reduce`; of several tensors."""
    for tensor in tensors:
        all_reduce(tensor, op, group)
    return _done(group, async_op, *tensors)


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """See :func:`all_reduce`; the process ``dst`` alone gets the result."""
    _check_reduction("reduce", op, tensor)
    find_group(group)
    _root("reduce", dst, group_dst)
    return _done(group, async_op, tensor)


def broadcast(
    tensor: Tensor, src: int | None = None, group: Any = None, async_op: bool = False, group_src: int | None = None
) -> Work | None:
    """See :func:`all_reduce`; all processes get the tensor of the process ``src``."""
    _check("broadcast", tensor)
    find_group(group)
    _root("broadcast", src, group_src)
    return _done(group, async_op, tensor)


def all_gather(tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False) -> Work | None:
    """See :func:`all_reduce`; ``tensor_list`` gets the tensors of all processes."""
    find_group(group)
    _write("all_gather", _one("all_gather", tensor_list), tensor)
    return _done(group, async_op, *tensor_list)


def all_gather_coalesced(
    output_tensor_lists: list[list[Tensor]], input_tensor_list: list[Tensor], group: Any = None, async_op: bool = False
) -> Work | None:
    """See :func:`all_gather`; of several tensors."""
    for outputs, tensor in zip(output_tensor_lists, input_tensor_list, strict=True):
        all_gather(outputs, tensor, group)
    return _done(group, async_op)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """See :func:`all_gather`; the tensors lie one after the other in ``output_tensor``."""
    find_group(group)
    _write("all_gather_into_tensor", output_tensor, input_tensor, same_shape=False)
    return _done(group, async_op, output_tensor)


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """See :func:`all_gather`; the process ``dst`` alone gets them, in ``gather_list``."""
    find_group(group)
    _root("gather", dst, group_dst, 0)
    _write("gather", _one("gather", gather_list), tensor)
    return _done(group, async_op, tensor)


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """See :func:`all_gather`; each process gets one of the tensors in ``scatter_list`` of ``src``."""
    find_group(group)
    _root("scatter", src, group_src, 0)
    _write("scatter", tensor, _one("scatter", scatter_list))
    return _done(group, async_op, tensor)


def reduce_scatter(
    output: Tensor, input_list: list[Tensor], op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """See :func:`all_reduce`; each process gets one part of the result, ``output``."""
    source = _one("reduce_scatter", input_list)
    _check_reduction("reduce_scatter", op, output, source)
    find_group(group)
    _write("reduce_scatter", output, source)
    return _done(group, async_op, output)


def reduce_scatter_tensor(
    output: Tensor, input: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """See :func:`reduce_scatter`; the parts lie one after the other in ``input``."""
    _check_reduction("reduce_scatter_tensor", op, output, input)
    find_group(group)
    _write("reduce_scatter_tensor", output, input, same_shape=False)
    return _done(group, async_op, output)


def all_to_all(
    output_tensor_list: list[Tensor], input_tensor_list: list[Tensor], group: Any = None, async_op: bool = False
) -> Work | None:
    """See :func:`all_gather`; each process sends one tensor to each."""
    find_group(group)
    _write("all_to_all", _one("all_to_all", output_tensor_list), _one("all_to_all", input_tensor_list))
    return _done(group, async_op, *output_tensor_list)


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Sequence[int] | None = None,
    input_split_sizes: Sequence[int] | None = None,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """See :func:`all_to_all`; the tensors lie one after the other."""
    find_group(group)
    _check("all_to_all_single", output, input)
    for t, sizes in ((output, output_split_sizes), (input, input_split_sizes)):
        if sizes and list(sizes) != [len(t)]:
            raise ArgumentError(f"all_to_all_single: expected sizes [{len(t)}], got {list(sizes)}")
    _write("all_to_all_single", output, input)
    return _done(group, async_op, output)


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """See :func:`all_reduce`; all processes of a group wait for each other."""
    find_group(group)
    return _done(group, async_op)


def monitored_barrier(group: Any = None, timeout: Any = None, wait_all_ranks: bool = False) -> None:
    """See :func:`barrier`."""
    barrier(group)


# ---- objects: copies made by pickle, as if they had been sent ---------------------------------------------


def _sent(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def _put(name: str, target: Any, value: Any) -> None:
    if not isinstance(target, list) or not target:
        raise ArgumentError(f"{name}: expected a list of one object for each process, got {target!r:.50}")
    target[0] = _sent(value)


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """See :func:`all_gather`; of objects that can be pickled."""
    find_group(group)
    _put("all_gather_object", object_list, obj)


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: Any = None,
    group_dst: int | None = None,
) -> None:
    """See :func:`gather`; of objects that can be pickled."""
    find_group(group)
    _root("gather_object", dst, group_dst, 0)
    _put("gather_object", object_gather_list, obj)


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """See :func:`broadcast`; of objects that can be pickled."""
    find_group(group)
    _root("broadcast_object_list", src, group_src, 0)
    object_list[:] = _sent(object_list)


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    group_src: int | None = None,
) -> None:
    """See :func:`scatter`; of objects that can be pickled."""
    find_group(group)
    _root("scatter_object_list", src, group_src, 0)
    _put("scatter_object_list", scatter_object_output_list, _one("scatter_object_list", scatter_object_input_list))


# ---- messages: there is nobody to send one to ---------------------------------------------------------------


def _nobody(name: str, tensor: Any, peer: Any, group: Any) -> Any:
    _check(name, tensor)
    find_group(group)
    raise ArgumentError(f"{name}: expected another process of the group, got {peer}: it has this one alone")


def send(tensor: Tensor, dst: Any = None, group: Any = None, tag: int = 0, group_dst: Any = None) -> None:
    """Send a tensor to another process; there is none in a group of one.

    Args:
        tensor: what to send.
        dst, group_dst: to whom.
        group: default: the group of all processes.
        tag: accepted for existing programs.

    Raises:
        ValueError: always.

    Example:
        >>> import plait
        >>> plait.distributed.send(plait.ones(1), 1)
        Traceback (most recent call last):
            ...
        plait.ArgumentError: Default process group has not been initialized, please make sure to call init_process_group
    """
    _nobody("send", tensor, dst if group_dst is None else group_dst, group)


def recv(tensor: Tensor, src: Any = None, group: Any = None, tag: int = 0, group_src: Any = None) -> int:
    """See :func:`send`; the other direction."""
    return _nobody("recv", tensor, src if group_src is None else group_src, group)  # type: ignore[no-any-return]


def isend(tensor: Tensor, dst: Any = None, group: Any = None, tag: int = 0, group_dst: Any = None) -> Work:
    """See :func:`send`; without waiting."""
    return _nobody("isend", tensor, dst if group_dst is None else group_dst, group)  # type: ignore[no-any-return]


def irecv(tensor: Tensor, src: Any = None, group: Any = None, tag: int = 0, group_src: Any = None) -> Work:
    """See :func:`recv`; without waiting."""
    return _nobody("irecv", tensor, src if group_src is None else group_src, group)  # type: ignore[no-any-return]


def batch_isend_irecv(p2p_op_list: list[Any]) -> list[Work]:
    """See :func:`isend`; of several messages."""
    return [p.op(p.tensor, p.peer, p.group, p.tag) for p in p2p_op_list]
