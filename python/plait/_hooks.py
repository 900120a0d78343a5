# SPDX-License-Identifier: MIT
"""Tables of hooks and the handles that take hooks out of them, for tensors, nodes, modules and optimizers."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

__all__ = ["HookTable", "RemovableHandle", "add_hook", "watch"]

HookTable = OrderedDict[int, Any]  # hooks by the id of their handle; unlike a dict, it can be referred to weakly


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook out; also a context manager.

    The handle refers to the table of hooks weakly, so it keeps neither the hook nor what it watches alive.

    Args:
        hooks_dict: the table of hooks; the handle's ``id`` is the hook's key in it.
        extra_dict: a table, or a list of tables, that may have entries under the same key. Default: none.

    Raises:
        TypeError: a table that cannot be referred to weakly, such as a plain dict.

    Example:
        >>> w = plait.ones(2, requires_grad=True)
        >>> handle = w.register_hook(lambda grad: grad * 10)
        >>> handle.remove()
        >>> w.sum().backward()
        >>> w.grad
        tensor([1., 1.])
    """

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        extra = [] if extra_dict is None else extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self._tables = tuple(weakref.ref(table) for table in (hooks_dict, *extra))
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1

    def remove(self) -> None:
        """Take the hook out; a second call does nothing."""
        for reference in self._tables:
            table = reference()
            if table is not None and self.id in table:
                del table[self.id]

    def __getstate__(self) -> tuple[Any, ...]:
        return self.id, tuple(reference() for reference in self._tables)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.id, tables = state
        # A table that is gone is replaced by one that is gone at once.
        self._tables = tuple(weakref.ref(OrderedDict() if table is None else table) for table in tables)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def add_hook(hooks: HookTable, hook: Any, *, prepend: bool = False, extra: HookTable | None = None) -> RemovableHandle:
    """Put ``hook`` at the end (or the front) of ``hooks``; the handle takes it out of this table and of ``extra``."""
    handle = RemovableHandle(hooks, extra_dict=extra)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


class _Registration(HookTable):
    """A table of one hook, which the core calls and keeps alive; without the hook it does nothing."""

    def __init__(self, owner: Any, remove: Callable[[Any, int], None]) -> None:
        super().__init__()
        self._owner = weakref.ref(owner)
        self._remove = remove
        self.number = -1

    def __call__(self, *args: Any) -> Any:
        for hook in self.values():
            return hook(*args)
        return None

    def __delitem__(self, key: int) -> None:
        super().__delitem__(key)
        owner = self._owner()
        if owner is not None:
            self._remove(owner, self.number)


def watch(
    owner: Any,
    hook: Callable[..., Any],
    register: Callable[[Any, Any], int],
    remove: Callable[[Any, int], None],
) -> RemovableHandle:
    """Give ``hook`` to the core by ``register(owner, hook)``, which returns the number that ``remove`` wants."""
    table = _Registration(owner, remove)
    handle = add_hook(table, hook)
    table.number = register(owner, table)
    return handle
