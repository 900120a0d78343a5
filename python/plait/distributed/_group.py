# SPDX-License-Identifier: MIT
"""The group of processes: it begins, answers questions, ends. It has one member."""

from __future__ import annotations

import enum
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlparse

from .._core import ArgumentError, ArgumentTypeError
from ._stores import FileStore, HashStore, PrefixStore, Store, TCPStore

__all__ = [
    "Backend",
    "GroupMember",
    "P2POp",
    "ProcessGroup",
    "ReduceOp",
    "Work",
    "destroy_process_group",
    "get_backend",
    "get_global_rank",
    "get_group_rank",
    "get_node_local_rank",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "group",
    "init_process_group",
    "is_available",
    "is_backend_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "new_group",
    "new_subgroups",
    "new_subgroups_by_enumeration",
]


class ReduceOp(enum.IntEnum):
    """How the values of several processes are combined; the value of one process stays what it is.

    Example:
        >>> import plait
        >>> plait.distributed.ReduceOp.SUM == plait.distributed.ReduceOp.MAX
        False
    """

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR, PREMUL_SUM = range(9)

    def __str__(self) -> str:
        return f"RedOpType.{self.name}"


ReduceOp.RedOpType = ReduceOp  # type: ignore[attr-defined]


class Backend(str):
    """What carries data between processes, in lower case: "gloo" by name; one process needs nothing.

    Args:
        name: "gloo", or "cpu:gloo".

    Raises:
        ValueError: no such backend is known.

    Example:
        >>> import plait
        >>> plait.distributed.Backend("GLOO")
        'gloo'
    """

    UNDEFINED, GLOO, NCCL, UCC, MPI, XCCL = "undefined", "gloo", "nccl", "ucc", "mpi", "xccl"

    def __new__(cls, name: str) -> Backend:
        lower = name.lower()
        kinds = [part.rpartition(":")[2] for part in lower.split(",")]
        if not set(kinds) <= {cls.UNDEFINED, cls.GLOO, cls.NCCL, cls.UCC, cls.MPI, cls.XCCL}:
            raise ArgumentError(f"Backend: expected 'gloo', got {name!r}")
        if not set(kinds) & {cls.UNDEFINED, cls.GLOO}:
            raise RuntimeError(f"Backend: expected one for the CPU, got {name!r}\nhint: 'gloo' names it")
        return str.__new__(cls, lower)


class Work:
    """An operation of the group that was asked for with ``async_op=True``. It is done.

    Args:
        tensors: its results.

    Example:
        >>> import plait
        >>> plait.distributed.Work([]).wait()
        True
    """

    def __init__(self, tensors: Sequence[Any] = ()) -> None:
        self._tensors = list(tensors)

    def wait(self, timeout: timedelta | None = None) -> bool:
        """True; there is nothing to wait for, with or without a ``timeout``."""
        return True

    def is_completed(self) -> bool:
        """True."""
        return True

    def is_success(self) -> bool:
        """True."""
        return True

    def exception(self) -> None:
        """None."""

    def result(self) -> list[Any]:
        """The tensors that the operation has written."""
        return self._tensors


class ProcessGroup:
    """A group of processes; :func:`init_process_group` and :func:`new_group` make them.

    Args:
        backend: the name of its backend.
        store: where its members meet.

    Example:
        >>> import plait
        >>> plait.distributed.ProcessGroup("gloo").size()
        1
    """

    def __init__(self, backend: str = "gloo", store: Store | None = None) -> None:
        self._backend, self._store = backend, store or HashStore()

    def rank(self) -> int:
        """The number of this process, 0."""
        return 0

    def size(self) -> int:
        """The number of processes, 1."""
        return 1

    def name(self) -> str:
        """The name of the backend."""
        return self._backend


_groups: list[ProcessGroup] = []  # the group of all processes comes first


class _WorldMeta(type):
    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The group of all processes; None before :func:`init_process_group`."""
        return _groups[0] if _groups else None


class group(metaclass=_WorldMeta):
    """``group.WORLD`` is the group of all processes.

    Example:
        >>> import plait
        >>> plait.distributed.group.WORLD is None
        True
    """


class GroupMember(metaclass=_WorldMeta):
    """``GroupMember.WORLD`` is the group of all processes, ``NON_GROUP_MEMBER`` stands for groups without this one.

    Example:
        >>> import plait
        >>> plait.distributed.get_rank(plait.distributed.GroupMember.NON_GROUP_MEMBER)
        -1
    """

    NON_GROUP_MEMBER = -100


def find_group(of: Any = None) -> ProcessGroup | None:
    """The group that is meant; None for one without this process."""
    if of == GroupMember.NON_GROUP_MEMBER:
        return None
    if of is not None:
        if not isinstance(of, ProcessGroup) or of not in _groups:
            raise ArgumentError(f"expected a group of processes that is not destroyed, got {of!r}")
        return of
    if not _groups:
        raise ArgumentError(
            "Default process group has not been initialized, please make sure to call init_process_group"
        )
    return _groups[0]


def is_available() -> bool:
    """True: a group of one process is there."""
    return True


def is_initialized() -> bool:
    """Whether there is a group of all processes."""
    return bool(_groups)


def is_gloo_available() -> bool:
    """True: "gloo" names the backend."""
    return True


def is_nccl_available() -> bool:
    """False."""
    return False


def is_mpi_available() -> bool:
    """False."""
    return False


def is_torchelastic_launched() -> bool:
    """Whether PyTorch's launcher has started this process: its variable is set."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_backend_available(backend: str) -> bool:
    """Whether a backend is there: for "gloo".

    Args:
        backend: its name.

    Example:
        >>> import plait
        >>> plait.distributed.is_backend_available("nccl")
        False
    """
    return backend.lower() == "gloo"


def _from_environment(rank: int, world_size: int) -> tuple[int, int]:
    found = []
    for name, given in (("RANK", rank), ("WORLD_SIZE", world_size), ("MASTER_ADDR", 0), ("MASTER_PORT", 0)):
        if given == -1 or name.startswith("MASTER"):
            if name not in os.environ:
                raise ArgumentError(f"init_process_group: expected the environment variable {name}, got none")
            given = int(os.environ[name]) if not name.startswith("MASTER") else 0
        found.append(given)
    return found[0], found[1]


def _meet(init_method: str, rank: int, world_size: int) -> tuple[Store, int, int]:
    """The store, rank and number of processes that an address names."""
    place = urlparse(init_method)
    if place.scheme == "env":
        return HashStore(), *_from_environment(rank, world_size)
    if place.scheme not in ("tcp", "file"):
        raise RuntimeError(f"init_process_group: expected env://, tcp:// or file://, got {init_method!r}")
    if rank < 0 or world_size < 0:
        raise ArgumentError(f"init_process_group: expected rank and world_size with {place.scheme}://, got none")
    if place.scheme == "tcp" and place.port is None:
        raise ArgumentError(f"init_process_group: expected a port, got {init_method!r}")
    if world_size != 1 or rank != 0:  # which is refused below
        return HashStore(), rank, world_size
    store = FileStore(place.path, 1) if place.scheme == "file" else TCPStore(str(place.hostname), place.port, 1, True)  # type: ignore[arg-type]
    return store, rank, world_size


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Store | None = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Begin the group of all processes. It has one: this.

    Args:
        backend: "gloo"; the default means it too.
        init_method: how to meet: "env://" (the default, which reads RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT),
            "tcp://host:port" or "file://path".
        timeout: accepted; nothing is waited for.
        world_size: how many processes: 1.
        rank: the number of this one: 0.
        store: what to meet in, instead of ``init_method``.
        group_name, pg_options, device_id: accepted for existing programs.

    Raises:
        ValueError: there is a group, or the numbers are missing or do not fit.
        NotImplementedError: more than one process is meant.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> distributed.get_rank(), distributed.get_world_size()
        (0, 1)
        >>> distributed.destroy_process_group()
    """
    if _groups:
        raise ArgumentError("init_process_group: expected no group, got one: trying to initialize it twice!")
    name = Backend(backend or Backend.UNDEFINED)
    if store is not None and init_method is not None:
        raise ArgumentError("init_process_group: expected a store or an init_method, got both")
    if store is None:
        store, rank, world_size = _meet(init_method or "env://", rank, world_size)
    if world_size < 1 or not 0 <= rank < world_size:
        raise ArgumentError(
            f"init_process_group: expected a world_size of at least 1 and a rank below it, got {world_size} and {rank}"
        )
    if world_size > 1:
        raise NotImplementedError(
            f"init_process_group: expected world_size=1, got {world_size}; groups of several are not there yet"
        )
    _groups.append(ProcessGroup(name, PrefixStore("default_pg", store)))


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """End a group; the group of all processes ends all others.

    Args:
        group: default: the group of all processes.

    Raises:
        ValueError: it is not there.

    Example:
        >>> import plait
        >>> plait.distributed.destroy_process_group()
        Traceback (most recent call last):
            ...
        plait.ArgumentError: Default process group has not been initialized, please make sure to call init_process_group
    """
    found = find_group(group)
    if found is not None and found is _groups[0]:
        _groups.clear()
    elif found is not None:
        _groups.remove(found)


def get_rank(group: Any = None) -> int:
    """The number of this process in a group.

    Args:
        group: default: the group of all processes.

    Returns:
        0, or -1 if it is no member.

    Raises:
        ValueError: there is no group.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> distributed.get_rank()
        0
        >>> distributed.destroy_process_group()
    """
    return -1 if find_group(group) is None else 0


def get_world_size(group: Any = None) -> int:
    """The number of processes in a group.

    Args:
        group: default: the group of all processes.

    Returns:
        1, or -1 for a group without this process.

    Raises:
        ValueError: there is no group.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> distributed.get_world_size()
        1
        >>> distributed.destroy_process_group()
    """
    return -1 if find_group(group) is None else 1


def get_backend(group: Any = None) -> str:
    """The name of the backend of a group.

    Args:
        group: default: the group of all processes.

    Returns:
        A str.

    Raises:
        ValueError: there is no group, or not with this process.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> distributed.get_backend()
        'gloo'
        >>> distributed.destroy_process_group()
    """
    found = find_group(group)
    if found is None:
        raise ArgumentError("get_backend: expected a group with this process, got another")
    return found.name()


def get_process_group_ranks(group: Any = None) -> list[int]:
    """The numbers that the members of a group have among all processes.

    Args:
        group: default: the group of all processes.

    Returns:
        [0].

    Raises:
        ValueError: there is no group.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> distributed.get_process_group_ranks()
        [0]
        >>> distributed.destroy_process_group()
    """
    find_group(group)
    return [0]


def _only_rank(name: str, group: Any, rank: int) -> int:
    find_group(group)
    if rank != 0:
        raise ArgumentError(f"{name}: expected a member of the group, 0, got {rank}")
    return 0


def get_group_rank(group: Any, global_rank: int) -> int:
    """The number that a process has in a group.

    Args:
        group: the group.
        global_rank: its number among all processes.

    Returns:
        0.

    Raises:
        ValueError: it is no member.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> distributed.get_group_rank(distributed.group.WORLD, 0)
        0
        >>> distributed.destroy_process_group()
    """
    return _only_rank("get_group_rank", group, global_rank)


def get_global_rank(group: Any, group_rank: int) -> int:
    """The number that a member of a group has among all processes.

    Args:
        group: the group.
        group_rank: its number there.

    Returns:
        0.

    Raises:
        ValueError: it is no member.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> distributed.get_global_rank(distributed.group.WORLD, 0)
        0
        >>> distributed.destroy_process_group()
    """
    return _only_rank("get_global_rank", group, group_rank)


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """The number of this process on its machine, of the environment variable LOCAL_RANK.

    Args:
        fallback_rank: what to return without the variable.

    Returns:
        An int.

    Raises:
        RuntimeError: there is neither.

    Example:
        >>> import plait
        >>> plait.distributed.get_node_local_rank(fallback_rank=0)
        0
    """
    found = os.environ.get("LOCAL_RANK", fallback_rank)
    if found is None:
        raise RuntimeError("get_node_local_rank: expected the environment variable LOCAL_RANK or a fallback, got none")
    return int(found)


def new_group(ranks: Sequence[int] | None = None, timeout: Any = None, backend: Any = None, **options: Any) -> Any:
    """Make another group of the same processes.

    Args:
        ranks: its members: [0]. Default: all.
        timeout: accepted for existing programs.
        backend: default: that of the group of all processes.
        options: accepted for existing programs.

    Returns:
        A :class:`ProcessGroup`, or ``GroupMember.NON_GROUP_MEMBER`` if ``ranks`` is empty.

    Raises:
        ValueError: there is no group, or a member is none of it.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> distributed.new_group([0]).size()
        1
        >>> distributed.destroy_process_group()
    """
    world = find_group()
    assert world is not None
    members = [0] if ranks is None else list(ranks)
    if any(rank != 0 for rank in members) or len(members) > 1:
        raise ArgumentError(f"new_group: expected members of the group of all processes, [0], got {members}")
    if not members:
        return GroupMember.NON_GROUP_MEMBER
    _groups.append(ProcessGroup(Backend(backend or world.name()), world._store))
    return _groups[-1]


def new_subgroups(group_size: int | None = None, group: Any = None, **options: Any) -> tuple[Any, list[Any]]:
    """Divide the processes into groups of one size.

    Args:
        group_size: 1. Default: 1.
        group: what is divided. Default: the group of all processes.
        options: accepted for existing programs.

    Returns:
        The group of this process, and a list of all.

    Raises:
        ValueError: the size does not divide the number of processes.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> distributed.new_subgroups(1)[0].size()
        1
        >>> distributed.destroy_process_group()
    """
    find_group(group)
    if group_size not in (None, 1):
        raise ArgumentError(f"new_subgroups: expected group_size=1 of 1 process, got {group_size}")
    made = new_group([0])
    return made, [made]


def new_subgroups_by_enumeration(
    ranks_per_subgroup_list: Sequence[Sequence[int]], **options: Any
) -> tuple[Any, list[Any]]:
    """Make a group of each list of members.

    Args:
        ranks_per_subgroup_list: [[0]].
        options: accepted for existing programs.

    Returns:
        The group of this process, and a list of all.

    Raises:
        ValueError: there are other members.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
        >>> distributed.new_subgroups_by_enumeration([[0]])[0].size()
        1
        >>> distributed.destroy_process_group()
    """
    made = [new_group(ranks) for ranks in ranks_per_subgroup_list]
    return (made[0] if made else None), made


class P2POp:
    """A message between two processes, for ``batch_isend_irecv``.

    Args:
        op: ``isend`` or ``irecv``.
        tensor: what is sent, or where to.
        peer: the other process.
        group, tag, group_peer: accepted for existing programs.

    Raises:
        TypeError: ``op`` is another function.

    Example:
        >>> import plait
        >>> from plait import distributed
        >>> distributed.P2POp(distributed.isend, plait.ones(2), 1).peer
        1
    """

    def __init__(
        self, op: Any, tensor: Any, peer: int | None = None, group: Any = None, tag: int = 0, group_peer: Any = None
    ) -> None:
        if getattr(op, "__name__", "") not in ("isend", "irecv"):
            raise ArgumentTypeError(f"P2POp: expected isend or irecv, got {op!r}")
        self.op, self.tensor, self.group, self.tag = op, tensor, group, tag
        self.peer = group_peer if peer is None else peer
