# SPDX-License-Identifier: MIT
"""Modules that hold other modules or parameters."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from ..._core import ArgumentError, ArgumentIndexError, ArgumentTypeError, Tensor
from ..parameter import Parameter
from ._repr import repeated_repr
from .module import Module

__all__ = ["Container", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class Container(Module):
    """A module with the given children; an old form of plain :class:`Module`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> [name for name, _ in nn.Container(first=nn.Linear(1, 2)).named_children()]
        ['first']
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        for name, module in kwargs.items():
            self.add_module(name, module)


def _normal_index(owner: object, index: Any, length: int) -> int:
    """``index`` counted from the front, or an ``IndexError``."""
    index = operator.index(index)
    if not -length <= index < length:
        raise ArgumentIndexError(
            f"{type(owner).__name__}: expected an index from {-length} to {length - 1}, got {index}"
        )
    return index % length


class Sequential(Module):
    """Call modules one after the other, each with the output of the one before.

    Args:
        args: the modules, or one ordered dict of names and modules.

    Supports indexing and slicing, ``len``, iteration, ``del``, ``append``, ``insert``, ``extend``, ``pop``,
    ``+`` and ``*`` with a number.

    Raises:
        TypeError: if an entry is no module.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> net[:2]
        Sequential(
          (0): Linear(in_features=4, out_features=8, bias=True)
          (1): ReLU()
        )
        >>> tuple(net(plait.ones(3, 4)).shape)
        (3, 2)
    """

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for index, module in enumerate(args):
                self.add_module(str(index), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)
        return input

    def _key(self, index: Any) -> str:
        return list(self._modules)[_normal_index(self, index, len(self))]

    def _replace(self, modules: Iterable[Module]) -> None:
        modules = list(modules)
        self._modules.clear()
        for index, module in enumerate(modules):
            self._modules[str(index)] = module

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: slice | int) -> Module:
        if isinstance(index, slice):
            return type(self)(dict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: slice | int) -> None:
        keys = list(self._modules)[index] if isinstance(index, slice) else [self._key(index)]
        for key in keys:
            delattr(self, key)
        self._replace(self._modules.values())

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ArgumentError(f"Sequential: expected another Sequential to add, got {type(other).__name__}")
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Self:
        if not isinstance(other, Sequential):
            raise ArgumentError(f"Sequential: expected another Sequential to add, got {type(other).__name__}")
        return self.extend(list(other))

    def __mul__(self, other: int) -> Sequential:
        if not isinstance(other, int):
            raise ArgumentTypeError(f"Sequential: expected an int to multiply by, got {type(other).__name__}")
        if other <= 0:
            raise ArgumentError(f"Sequential: expected a factor > 0, got {other}")
        return Sequential(*(module for _ in range(other) for module in self))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Self:
        self._replace(self * other)
        return self

    def append(self, module: Module) -> Self:
        """Add a module at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before position ``index``; returns the container.

        Raises:
            TypeError: if ``module`` is no module.
            IndexError: if ``index`` is out of range.
        """
        if not isinstance(module, Module):
            raise ArgumentTypeError(f"Sequential: expected a module, got {type(module).__name__}")
        length = len(self)
        if not -length <= index <= length:
            raise ArgumentIndexError(f"Sequential: expected an index from {-length} to {length}, got {index}")
        modules = list(self)
        modules.insert(index + length if index < 0 else index, module)
        self._replace(modules)
        return self

    def extend(self, sequential: Iterable[Module]) -> Self:
        """Add modules at the end; returns the container.

        Args:
            sequential: modules in order.
        """
        for module in list(sequential):
            self.append(module)
        return self

    def pop(self, key: int | slice) -> Module:
        """Remove the module at a position and return it.

        Args:
            key: its position.
        """
        module = self[key]
        del self[key]
        return module


class ModuleList(Module):
    """A list of modules whose parameters are found; it has no forward.

    Args:
        modules: the entries. Default: none.

    Example:
        >>> from plait import nn
        >>> nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
        ModuleList(
          (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
        )
    """

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return type(self)(list(self._modules.values())[index])
        return self._modules[str(_normal_index(self, index, len(self)))]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, str(_normal_index(self, index, len(self))), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        if not isinstance(index, slice):
            index = _normal_index(self, index, len(self))
        del modules[index]
        self._replace(modules)

    def _replace(self, modules: list[Module]) -> None:
        self._modules.clear()
        for index, module in enumerate(modules):
            self._modules[str(index)] = module

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return type(self)([*self, *other])

    def insert(self, index: int, module: Module) -> None:
        """Add a module before position ``index``."""
        modules = list(self)
        modules.insert(index, module)
        self._check(module)
        self._replace(modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: int | slice) -> Module:
        """Remove the module at a position and return it.

        Args:
            key: its position.
        """
        module = self[key]
        del self[key]
        return module

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; returns the container.

        Raises:
            TypeError: if ``modules`` is not iterable.
        """
        if not isinstance(modules, Iterable):
            raise ArgumentTypeError(f"ModuleList.extend: expected an iterable, got {type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    @staticmethod
    def _check(module: object) -> None:
        if not isinstance(module, Module):
            raise ArgumentTypeError(f"{type(module).__name__} is not a Module subclass")

    def __repr__(self) -> str:
        return repeated_repr(self)


class ModuleDict(Module):
    """A dict of modules whose parameters are found; it has no forward. The order is that of insertion.

    Args:
        modules: a mapping or an iterable of pairs. Default: none.

    Example:
        >>> from plait import nn
        >>> d = nn.ModuleDict({"relu": nn.ReLU(), "linear": nn.Linear(2, 2)})
        >>> list(d)
        ['relu', 'linear']
    """

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all entries."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Remove an entry and return its module.

        Args:
            key: its name.
        """
        return self._modules.pop(key)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def items(self) -> Iterable[tuple[str, Module]]:
        """Pairs of name and module."""
        return self._modules.items()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add or replace entries from a mapping or an iterable of pairs.

        Args:
            modules: a mapping or pairs of name and module.

        Raises:
            TypeError: if ``modules`` is not iterable.
            ValueError: if an entry is no pair.
        """
        for key, module in _pairs("ModuleDict.update", modules):
            self[key] = module


def _pairs(op: str, entries: Any) -> list[tuple[str, Any]]:
    if hasattr(entries, "items"):
        return list(entries.items())
    if not isinstance(entries, Iterable):
        raise ArgumentTypeError(f"{op}: expected a mapping or an iterable of pairs, got {type(entries).__name__}")
    pairs = []
    for entry in entries:
        if not isinstance(entry, Iterable):
            raise ArgumentTypeError(f"{op}: expected pairs, got {type(entry).__name__}")
        pair = tuple(entry)
        if len(pair) != 2:
            raise ArgumentError(f"{op}: expected pairs, got {len(pair)} entries")
        pairs.append(pair)
    return pairs


def _as_parameter(value: Any) -> Any:
    """Tensors become parameters; anything else is kept as it is."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _describe(value: Any, type_name: str | None = None) -> str:
    if isinstance(value, Tensor):
        kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
        return f"{kind} containing: [{type_name or value.dtype} of size {'x'.join(map(str, value.shape))}]"
    return f"Object of type: {type(value).__name__}"


class ParameterList(Module):
    """A list of parameters. Tensors put into it become parameters; other values are kept beside them.

    Args:
        values: the entries. Default: none.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> params = nn.ParameterList([plait.zeros(2), plait.zeros(3)])
        >>> [tuple(p.shape) for p in params]
        [(2,), (3,)]
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    @overload
    def __getitem__(self, index: slice) -> ParameterList: ...
    @overload
    def __getitem__(self, index: int) -> Any: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, str(_normal_index(self, index, self._size)))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(_normal_index(self, index, self._size)), _as_parameter(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter(getattr(self, str(i)) for i in range(self._size))

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a value at the end; returns the container."""
        setattr(self, str(self._size), _as_parameter(value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end; returns the container.

        Raises:
            TypeError: if ``values`` is not iterable, or a tensor.
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise ArgumentTypeError(f"ParameterList.extend: expected an iterable, got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return "\n".join(f"  ({i}): {_describe(value)}" for i, value in enumerate(self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterList: expected to be read by index, not called")


class ParameterDict(Module):
    """A dict of parameters. Tensors put into it become parameters; other values are kept beside them.

    Args:
        parameters: a mapping, or an iterable of pairs. Default: none.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> params = nn.ParameterDict({"left": plait.zeros(2)})
        >>> params["left"].requires_grad
        True
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    @staticmethod
    def _attribute(key: Any) -> str:
        if not isinstance(key, str):
            raise ArgumentTypeError(f"ParameterDict: expected a string as key, got {type(key).__name__}")
        return key

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, self._attribute(key))

    def __setitem__(self, key: str, value: Any) -> None:
        attribute = self._attribute(key)
        self._keys[key] = None
        setattr(self, attribute, _as_parameter(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, self._attribute(key))

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def __or__(self, other: ParameterDict) -> ParameterDict:
        result = self.copy()
        result.update(other)
        return result

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        result = ParameterDict(other)
        result.update(self)
        return result

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other)
        return self

    def copy(self) -> ParameterDict:
        """A dict with the same values."""
        return ParameterDict(dict(self.items()))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of ``key``, which becomes ``default`` if it is not there."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Remove all entries."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key: str) -> Any:
        """Remove an entry and return its value.

        Args:
            key: its name.
        """
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove the last entry and return it."""
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of ``key``, or ``default``."""
        if key not in self:
            return default
        return self[key]

    @staticmethod
    def fromkeys(keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dict with one value for all keys.

        Args:
            default: the value of each. Default: ``None``.
        """
        return ParameterDict((key, default) for key in keys)

    def keys(self) -> Iterable[str]:
        """The keys."""
        return self._keys.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Pairs of key and value."""
        return ((key, self[key]) for key in self._keys)

    def values(self) -> Iterable[Any]:
        """The values."""
        return (self[key] for key in self._keys)

    def update(self, parameters: Any) -> None:
        """Add or replace entries from a mapping or an iterable of pairs.

        Args:
            parameters: a mapping or pairs of name and parameter.
        """
        for key, value in _pairs("ParameterDict.update", parameters):
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(
            f"  ({key}): {_describe(value, value.type() if isinstance(value, Tensor) else None)}"
            for key, value in self.items()
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterDict: expected to be read by key, not called")
