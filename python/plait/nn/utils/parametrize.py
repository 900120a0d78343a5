# SPDX-License-Identifier: MIT
"""Parametrizations: tensors of a module that are computed from others every time they are read.

A parametrized module gets a class of its own, in which the tensor's name is a property; the tensors it is computed
from are found at ``module.parametrizations.<name>.original``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..._core import ArgumentError, Tensor
from ...autograd.grad_mode import no_grad
from ..modules.container import ModuleDict, ModuleList
from ..modules.module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache: dict[tuple[int, str], Tensor] = {}
_cache_depth = 0


@contextmanager
def cached() -> Iterator[None]:
    """Compute every parametrized tensor once within the block, however often it is read."""
    global _cache_depth
    _cache_depth += 1
    try:
        yield
    finally:
        _cache_depth -= 1
        if _cache_depth == 0:
            _cache.clear()


def _as_parameter_like(value: Tensor, model: Tensor) -> Tensor:
    return Parameter(value, model.requires_grad) if isinstance(model, Parameter) else value


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied in order, and the original tensors.

    Args:
        modules: the parametrizations.
        original: the tensor they replace.
        unsafe: whether to skip the check that shape and dtype are kept. Default: ``False``.

    Raises:
        ValueError: a parametrization that changes the shape or the dtype, unless ``unsafe`` is True.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
        >>> type(layer.parametrizations.weight).__name__, len(layer.parametrizations.weight)
        ('ParametrizationList', 1)
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        value: Any = original.detach()
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    break
                value = module.right_inverse(value)
        self.is_tensor = isinstance(value, Tensor)
        if self.is_tensor:
            self._keep("original", value, original)
        else:
            self.ntensors = len(value)
            for i, part in enumerate(value):
                self._keep(f"original{i}", part, original)
        if not unsafe:
            result = self()
            if result.dtype != original.dtype or result.shape != original.shape:
                raise ArgumentError(
                    f"register_parametrization: expected shape {tuple(original.shape)} and {original.dtype} to be "
                    f"kept, got {tuple(result.shape)} and {result.dtype}\n"
                    "hint: pass unsafe=True if this is meant"
                )

    def _keep(self, name: str, value: Tensor, model: Tensor) -> None:
        if isinstance(model, Parameter):
            self.register_parameter(name, Parameter(value.clone(), model.requires_grad))
        else:
            self.register_buffer(name, value.clone())

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrized tensor becomes ``value``.

        Raises:
            RuntimeError: if a parametrization has no ``right_inverse``.
        """
        with no_grad():
            result: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse")
                result = module.right_inverse(result)
            if self.is_tensor:
                self.original.copy_(result)
            else:
                for i, part in enumerate(result):
                    getattr(self, f"original{i}").copy_(part)

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        modules = iter(self)
        if self.is_tensor:
            value = next(modules)(self.original)
        else:
            value = next(modules)(*(getattr(self, f"original{i}") for i in range(self.ntensors)))
        for module in modules:
            value = module(value)
        return value


def _read(module: Module, name: str) -> Tensor:
    if not _cache_depth:
        return module.parametrizations[name]()
    key = (id(module), name)
    if key not in _cache:
        _cache[key] = module.parametrizations[name]()
    return _cache[key]


def _give_own_class(module: Module) -> None:
    base = type(module)

    def copy_module(self: Module, memo: dict[int, Any]) -> Module:
        # Copied by hand: a class made here cannot be found by name.
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return twin

    module.__class__ = type(
        f"Parametrized{base.__name__}", (base,), {"parametrization_base": base, "__deepcopy__": copy_module}
    )
    module.parametrizations = ModuleDict()


def _add_property(module: Module, name: str) -> None:
    def get(self: Module) -> Tensor:
        return _read(self, name)

    def set_(self: Module, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, set_))


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Compute ``module.<tensor_name>`` by ``parametrization`` from now on; several are applied in order.

    Args:
        module: has a parameter or buffer of that name.
        tensor_name: its name.
        parametrization: its forward maps the original to the tensor used. With a method ``right_inverse``, which
            maps back, the tensor's present value is kept and values can be assigned.
        unsafe: whether to skip the check that shape and dtype are kept. Default: ``False``.

    Returns:
        The module.

    Raises:
        ValueError: if there is no such tensor, or shape or dtype change.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> from plait.nn.utils import parametrize
        >>> class Symmetric(nn.Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).T
        >>> layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
        >>> bool((layer.weight == layer.weight.T).all())
        True
        >>> [name for name, _ in layer.named_parameters()]
        ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        existing = module.parametrizations[tensor_name]
        if not unsafe:
            before = getattr(module, tensor_name)
            after = parametrization(before)
            if after.shape != before.shape or after.dtype != before.dtype:
                raise ArgumentError(
                    f"register_parametrization: expected shape {tuple(before.shape)} and {before.dtype} to be kept, "
                    f"got {tuple(after.shape)} and {after.dtype}"
                )
        existing.append(parametrization)
        return module
    original: Tensor | None = module._parameters.get(tensor_name)
    if original is None:
        original = module._buffers.get(tensor_name)
    if original is None:
        raise ArgumentError(
            f"register_parametrization: expected {type(module).__name__} to have a parameter or buffer "
            f"'{tensor_name}', found none"
        )
    parametrizations = ParametrizationList([parametrization], original, unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _give_own_class(module)
    _add_property(module, tensor_name)
    module.parametrizations[tensor_name] = parametrizations
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module (or its tensor of that name) is parametrized.

    Args:
        tensor_name: of one tensor. Default: any.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.utils.parametrize.is_parametrized(nn.Linear(2, 3))
        False
    """
    table = module._modules.get("parametrizations")
    if not isinstance(table, ModuleDict):
        return False
    return len(table) > 0 if tensor_name is None else tensor_name in table


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make ``module.<tensor_name>`` an ordinary tensor again.

    Args:
        module: the module.
        tensor_name: the tensor's name.
        leave_parametrized: whether it keeps its present value; otherwise it gets the original's. Default: ``True``.

    Returns:
        The module.

    Raises:
        ValueError: if the tensor is not parametrized, or several originals are to be restored.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
        >>> layer = nn.utils.parametrize.remove_parametrizations(layer, "weight")
        >>> nn.utils.parametrize.is_parametrized(layer)
        False
    """
    if not is_parametrized(module, tensor_name):
        raise ArgumentError(f"remove_parametrizations: expected '{tensor_name}' to be parametrized")
    table = module.parametrizations[tensor_name]
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name).detach().clone()
    elif table.is_tensor:
        value = table.original.detach()
    else:
        raise ArgumentError("remove_parametrizations: expected leave_parametrized=True with several originals")
    kept = _as_parameter_like(value, next(iter((*table._parameters.values(), *table._buffers.values()))))
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if isinstance(kept, Parameter):
        module.register_parameter(tensor_name, kept)
    else:
        module.register_buffer(tensor_name, kept)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).parametrization_base
    return module


def type_before_parametrizations(module: Module) -> type[Module]:
    """The class of the module without the parametrizations.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.utils.parametrize.type_before_parametrizations(nn.Linear(2, 3)).__name__
        'Linear'
    """
    return getattr(type(module), "parametrization_base", type(module))


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give ``to_module`` copies of the parametrizations of ``from_module``, with their originals.

    Args:
        tensor_name: of one tensor. Default: all.

    Returns:
        ``to_module``.

    Raises:
        ValueError: if ``from_module`` has no parametrization.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> a, b = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)), nn.Linear(2, 3)
        >>> _ = nn.utils.parametrize.transfer_parametrizations_and_params(a, b)
        >>> nn.utils.parametrize.is_parametrized(b, "weight")
        True
    """
    if not is_parametrized(from_module):
        raise ArgumentError("transfer_parametrizations_and_params: expected from_module to be parametrized")
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        source = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for parametrization in source:
            register_parametrization(to_module, name, copy.deepcopy(parametrization))
        target = to_module.parametrizations[name]
        for key, value in (*source._parameters.items(), *source._buffers.items()):
            with no_grad():
                getattr(target, key).copy_(value)
    return to_module
