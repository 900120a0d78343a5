# SPDX-License-Identifier: MIT
"""Lists and dicts that refuse changes: arguments of nodes, whose uses the graph counts."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["immutable_dict", "immutable_list"]

_HINT = "hint: make a new one and assign it to node.args or node.kwargs"


def _refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """See :class:`immutable_list`."""
    raise TypeError(f"{type(self).__name__}: expected no change; nodes of a graph refer to it\n{_HINT}")


class immutable_list(list[Any]):
    """A list that refuses changes; made of an ``iterable``.

    Raises:
        TypeError: from each method that would change it.

    Example:
        >>> from plait.fx.immutable_collections import immutable_list
        >>> immutable_list([1, 2]) == [1, 2]
        True
    """

    __delitem__ = __iadd__ = __imul__ = __setitem__ = _refuse  # type: ignore[assignment]
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse  # type: ignore[assignment]

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return immutable_list, (tuple(self),)


class immutable_dict(dict[Any, Any]):
    """A dict that refuses changes.

    Raises:
        TypeError: from each method that would change it.

    Example:
        >>> from plait.fx.immutable_collections import immutable_dict
        >>> immutable_dict(dim=1) == {"dim": 1}
        True
    """

    __delitem__ = __ior__ = __setitem__ = _refuse  # type: ignore[assignment]
    clear = pop = popitem = setdefault = update = _refuse  # type: ignore[assignment]

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return immutable_dict, (tuple(self.items()),)
