# SPDX-License-Identifier: MIT
"""Tensors that a module owns: parameters, buffers, and their forms without a shape yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from .. import _core
from .._core import ArgumentTypeError, Tensor

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


def _rebuild_parameter(
    cls: type[Parameter], data: Tensor, requires_grad: bool, attributes: dict[str, Any] | None = None
) -> Parameter:
    parameter = cls(data, requires_grad)
    if attributes:
        parameter.__dict__.update(attributes)
    return parameter


class _OrMarked(type):
    """Instances of the class are also objects of other subclasses of Tensor that carry its mark."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return "_mark" in cls.__dict__ and isinstance(instance, Tensor) and getattr(instance, cls._mark, False)


def _marked(data: Tensor, mark: str, requires_grad: bool) -> Tensor | None:
    """``data`` of a class that takes over calls: it stays of this class and is marked. None for any other."""
    kind = type(data)
    if kind is Tensor or kind.__torch_function__ is _core._disabled_torch_function_impl or data.layout != "strided":
        return None
    detached = data.detach()
    if type(detached) is not kind:
        return None
    setattr(detached.requires_grad_(requires_grad), mark, True)
    return detached


def _rebuild_buffer(data: Tensor, requires_grad: bool, persistent: bool) -> Buffer:
    return Buffer(data.requires_grad_(requires_grad), persistent=persistent)


class Parameter(Tensor, metaclass=_OrMarked):
    """A tensor that its module lists among its parameters, so that optimizers find it.

    Assigning one as an attribute of a :class:`~plait.nn.Module` registers it under that name. The parameter
    shares the storage of ``data`` and is a leaf of the autograd graph. From an object of a subclass of Tensor it makes
    one of the same subclass, which counts as a Parameter too.

    Args:
        data: the values; an empty tensor by default. Any shape; floating point if it requires a gradient.
        requires_grad: whether ``backward`` accumulates a gradient into ``.grad``. Default: ``True``.

    Raises:
        TypeError: if ``data`` is not a tensor.
        RuntimeError: if ``requires_grad`` is true and ``data`` holds integers or booleans.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> class Scale(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.gain = nn.Parameter(plait.ones(3))
        ...     def forward(self, x):
        ...         return x * self.gain
        >>> [name for name, _ in Scale().named_parameters()]
        ['gain']
    """

    __torch_function__ = _core._disabled_torch_function_impl
    _mark = "_is_param"
    _is_param = True

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = _core.empty(0)
        elif not isinstance(data, Tensor):
            raise ArgumentTypeError(f"Parameter: expected data to be a Tensor, got {type(data).__name__}")
        if cls is Parameter and (marked := _marked(data, cls._mark, requires_grad)) is not None:
            return marked  # type: ignore[return-value]
        return _core._make_subclass(cls, data, requires_grad)

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        pass  # all is done in __new__; the base class must not initialise the tensor again

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) in memo:
            return memo[id(self)]
        result = type(self)(self.data.clone(), self.requires_grad)
        memo[id(self)] = result
        return result

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Parameter], tuple[Any, ...]]:
        return _rebuild_parameter, (type(self), self.data, self.requires_grad, self.__dict__ or None)


class Buffer(Tensor, metaclass=_OrMarked):
    """A tensor that is part of a module's state but is not trained, such as a running mean.

    Assigning one as an attribute of a :class:`~plait.nn.Module` is the same as calling
    :meth:`~plait.nn.Module.register_buffer`.

    Args:
        data: the values; an empty tensor by default.
        persistent: whether the buffer is written to ``state_dict``. Default: ``True``.

    Raises:
        TypeError: if ``data`` is not a tensor.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> m = nn.Module()
        >>> m.steps = nn.Buffer(plait.zeros(1))
        >>> list(m.state_dict())
        ['steps']
    """

    persistent: bool
    __torch_function__ = _core._disabled_torch_function_impl
    _mark = "_is_buffer"

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        if data is None:
            data = _core.empty(0)
        elif not isinstance(data, Tensor):
            raise ArgumentTypeError(f"Buffer: expected data to be a Tensor, got {type(data).__name__}")
        if (marked := _marked(data, cls._mark, data.requires_grad)) is not None:
            marked.persistent = persistent  # type: ignore[attr-defined]
            return marked  # type: ignore[return-value]
        buffer = _core._make_subclass(cls, data, data.requires_grad)
        buffer.persistent = persistent
        return buffer

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        pass  # all is done in __new__

    def __deepcopy__(self, memo: dict[int, Any]) -> Buffer:
        if id(self) in memo:
            return memo[id(self)]
        result = Buffer(self.data.clone(), persistent=self.persistent)
        result.requires_grad_(self.requires_grad)
        memo[id(self)] = result
        return result

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Buffer], tuple[Any, ...]]:
        return _rebuild_buffer, (self.data, self.requires_grad, self.persistent)


class UninitializedTensorMixin:
    """Behaviour of tensors whose shape is found at the first forward of a lazy module."""

    _becomes: ClassVar[type[Any]] = Tensor
    _device: Any

    def materialize(self, shape: tuple[int, ...] | list[int], device: Any = None, dtype: Any = None) -> None:
        """Give the tensor its shape and turn it into an ordinary parameter or buffer, in place.

        Args:
            shape: the shape found.
            device: the CPU or "meta"; ``None`` is the default device.
            dtype: element type; by default this tensor's, which follows ``module.double()`` and the like.
        """
        self.data = _core.empty(shape, dtype=dtype or self.dtype, device=device or self._device or self.device)  # type: ignore[attr-defined]
        self.__class__ = self._becomes

    @property
    def shape(self) -> Any:
        """Raise RuntimeError: the shape is not known yet."""
        raise RuntimeError(
            f"{type(self).__name__}: has no shape before the first forward of its lazy module\n"
            "hint: pass one batch of data through the model first"
        )

    def __repr__(self, **kwargs: Any) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc, override]
    """A parameter without a shape; lazy modules hold it until their first forward.

    Args:
        requires_grad: as in :class:`Parameter`. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: element type of the later parameter; the default dtype if ``None``.

    Example:
        >>> from plait import nn
        >>> nn.LazyLinear(4).weight
        <UninitializedParameter>
    """

    _becomes = Parameter

    def __new__(  # type: ignore[misc]
        cls, requires_grad: bool = True, device: Any = None, dtype: Any = None
    ) -> UninitializedParameter:
        data = _core.empty(0, dtype=dtype, device=device)
        parameter = _core._make_subclass(cls, data, requires_grad)
        parameter._device = device
        return parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        pass  # all is done in __new__

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:  # type: ignore[override]
        if id(self) in memo:
            return memo[id(self)]
        result = type(self)(self.requires_grad, self._device, self.dtype)
        memo[id(self)] = result
        return result

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self.requires_grad, self._device, self.dtype)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc, override]
    """A buffer without a shape; lazy normalisation modules hold it until their first forward.

    Args:
        requires_grad: whether a gradient is accumulated. Default: ``False``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: element type of the later buffer; the default dtype if ``None``.
        persistent: whether ``state_dict`` has it. Default: ``True``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.LazyBatchNorm1d()
        >>> type(layer.running_mean).__name__
        'UninitializedBuffer'
    """

    _becomes = Buffer
    persistent: bool
    __torch_function__ = _core._disabled_torch_function_impl

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> UninitializedBuffer:
        data = _core.empty(0, dtype=dtype, device=device)
        buffer = _core._make_subclass(cls, data, requires_grad)
        buffer._device, buffer.persistent = device, persistent
        return buffer

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        pass  # all is done in __new__

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedBuffer:
        if id(self) in memo:
            return memo[id(self)]
        result = type(self)(self.requires_grad, self._device, self.dtype, self.persistent)
        memo[id(self)] = result
        return result

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self.requires_grad, self._device, self.dtype, self.persistent)


def is_lazy(param: Any) -> bool:
    """Whether ``param`` still waits for its shape (see :class:`~plait.nn.LazyLinear`).

    Example:
        >>> import plait
        >>> plait.nn.parameter.is_lazy(plait.nn.LazyLinear(2).weight)
        True
    """
    return isinstance(param, UninitializedTensorMixin)


_core._set_parameter_type(Parameter)
