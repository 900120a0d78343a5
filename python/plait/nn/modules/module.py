# SPDX-License-Identifier: MIT
"""The base class of all modules.

Parameters, buffers and child modules live in three tables (``_parameters``, ``_buffers``, ``_modules``) that
define their order. Each table also keeps the instance dictionary in step, so reading ``self.weight`` in a
forward is a plain attribute look-up and no ``__getattr__`` is needed. Calling a module is done by its base type
in the core, which looks for hooks and runs ``forward``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, Self, TypeVar

from ... import _core
from ..._core import ArgumentError, ArgumentTypeError, Tensor
from ..._hooks import HookTable, RemovableHandle, add_hook
from ...autograd.grad_mode import no_grad
from ..parameter import Buffer, Parameter, UninitializedBuffer, is_lazy
from . import _state_dict
from ._hooks import GLOBAL_TABLES, add_flagged_hook, call_with_hooks, hook_flags
from ._repr import module_repr
from ._state_dict import EXTRA_STATE as _EXTRA_STATE_KEY_SUFFIX  # noqa: F401, PyTorch's name, which loaders read
from ._state_dict import IncompatibleKeys
from ._table import Table

__all__ = ["Module"]

_IncompatibleKeys = IncompatibleKeys  # PyTorch's name

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class _HasForward(Protocol[P, R]):
    """What the type of ``module(...)`` is read from: the signature of its ``forward``."""

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


class _CallSignature:
    """What ``inspect.signature`` reads from a module; the class has the signature of its constructor."""

    def __get__(self, module: Any, owner: Any) -> Any:
        if module is None:
            raise AttributeError("__signature__")
        import inspect

        kinds = {"args": inspect.Parameter.VAR_POSITIONAL, "kwargs": inspect.Parameter.VAR_KEYWORD}
        return inspect.Signature([inspect.Parameter(name, kind) for name, kind in kinds.items()])


class Module(_core._ModuleBase):
    """Base class of all neural network modules; models derive from it too.

    A subclass calls ``super().__init__()`` first, assigns parameters, buffers and other modules as attributes,
    and defines ``forward``. Calling the module runs ``forward``.

    Attributes:
        training: whether the module is in training mode (see :meth:`train`). ``True`` after construction.

    Raises:
        AttributeError: if a parameter, buffer or module is assigned before ``super().__init__()``.
        TypeError: if something that is neither a ``Parameter`` nor ``None`` is assigned to a parameter's name
            (the same for modules and buffers).

    Example:
        >>> import plait
        >>> from plait import nn
        >>> class Net(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.hidden = nn.Linear(4, 8)
        ...         self.out = nn.Linear(8, 2)
        ...     def forward(self, x):
        ...         return self.out(self.hidden(x).relu())
        >>> net = Net()
        >>> net
        Net(
          (hidden): Linear(in_features=4, out_features=8, bias=True)
          (out): Linear(in_features=8, out_features=2, bias=True)
        )
        >>> tuple(net(plait.ones(3, 4)).shape)
        (3, 2)
    """

    __signature__ = _CallSignature()
    _version: int = 1
    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]
    _forward_hooks: HookTable
    _forward_pre_hooks: HookTable
    _backward_hooks: HookTable
    _backward_pre_hooks: HookTable
    # Rarely set: made on the first registration.
    _hook_options: HookTable | None = None
    _state_dict_hooks: HookTable | None = None
    _state_dict_pre_hooks: HookTable | None = None
    _load_state_dict_pre_hooks: HookTable | None = None
    _load_state_dict_post_hooks: HookTable | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            what = f"keyword argument '{next(iter(kwargs))}'" if kwargs else f"{len(args)} positional argument(s)"
            raise ArgumentTypeError(f"{type(self).__name__}.__init__() got an unexpected {what}")
        attributes = self.__dict__
        attributes["training"] = True
        attributes["_parameters"] = Table(self)
        attributes["_buffers"] = Table(self)
        attributes["_modules"] = Table(self)
        attributes["_non_persistent_buffers_set"] = set()
        attributes["_forward_hooks"] = OrderedDict()
        attributes["_forward_pre_hooks"] = OrderedDict()
        attributes["_backward_hooks"] = OrderedDict()
        attributes["_backward_pre_hooks"] = OrderedDict()

    # -- calling ---------------------------------------------------------------------------------------------

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's output; every subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    if TYPE_CHECKING:  # inherited, but typed like the forward of the module that is called

        def __call__(self: _HasForward[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...

    # -- attributes ------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        """What the usual look-up, which finds parameters too, has not found; wrappers call it through super()."""
        if name == "save":  # what programs ask of a ScriptModule
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'save': files hold no code\n"
                "hint: plait.save(module.state_dict(), path) writes the parameters"
            )
        return object.__getattribute__(self, name)  # a property that failed says why once more

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        is_tensor = isinstance(value, Tensor)
        if is_tensor and isinstance(value, Parameter):
            if "_parameters" not in attributes:
                raise AttributeError(_before_init("parameters"))
            self._forget(name, keep="_parameters")
            self.register_parameter(name, value)
        elif not is_tensor and isinstance(value, Module):
            if "_modules" not in attributes:
                raise AttributeError(_before_init("module"))
            self._forget(name, keep="_modules")
            self._modules[name] = value
        elif is_tensor and isinstance(value, (Buffer, UninitializedBuffer)):
            if "_buffers" not in attributes:
                raise AttributeError(_before_init("buffer"))
            self._forget(name, keep="_buffers")
            self.register_buffer(name, value, value.persistent)
        elif name in attributes.get("_parameters", ()):
            if value is not None:
                raise ArgumentTypeError(_cannot_assign(value, "parameter", name, "plait.nn.Parameter"))
            self._parameters[name] = None
        elif name in attributes.get("_modules", ()):
            if value is not None:
                raise ArgumentTypeError(_cannot_assign(value, "child module", name, "plait.nn.Module"))
            self._modules[name] = None
        elif name in attributes.get("_buffers", ()):
            if value is not None and not is_tensor:
                raise ArgumentTypeError(_cannot_assign(value, "buffer", name, "plait.Tensor, plait.nn.Buffer"))
            self._buffers[name] = value
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                del table[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def _forget(self, name: str, keep: str) -> None:
        """Drop ``name`` from the instance and from every table but ``keep``."""
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind != keep and name in self.__dict__[kind]:
                del self.__dict__[kind][name]
        if keep != "_buffers":
            self._non_persistent_buffers_set.discard(name)
        if name not in self.__dict__[keep]:
            self.__dict__.pop(name, None)

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if not name[0].isdigit())

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for kind in ("_parameters", "_buffers", "_modules"):
            for name in state.get(kind, ()):
                state.pop(name, None)
            if kind in state:
                state[kind] = dict(state[kind])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind in self.__dict__:
                self.__dict__[kind] = Table(self, self.__dict__[kind])

    # -- registration ----------------------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under ``name``; ``None`` reserves the name for an absent parameter.

        Args:
            param: the parameter, or ``None``.

        Raises:
            TypeError: if ``name`` is no string or ``param`` neither a ``Parameter`` nor ``None``.
            KeyError: if the name is empty, contains a dot, or is already an attribute.
            ValueError: if ``param`` has a gradient function, that is, was computed from other tensors.
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError(_before_init("parameter"))
        self._check_name("parameter", name, self._parameters)
        if param is not None:
            if not isinstance(param, Parameter):
                raise ArgumentTypeError(_cannot_assign(param, "parameter", name, "plait.nn.Parameter"))
            if param.grad_fn is not None:
                raise ArgumentError(
                    f"register_parameter: expected '{name}' to be a leaf, got the result of a computation\n"
                    "hint: compute it in forward() if it depends on other tensors"
                )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the state but is not trained.

        Args:
            name: the attribute it becomes.
            tensor: the values, or ``None`` for an absent buffer (left out of ``state_dict``).
            persistent: whether ``state_dict`` contains it. Default: ``True``.

        Raises:
            TypeError: if ``name`` is no string or ``tensor`` neither a tensor nor ``None``.
            KeyError: if the name is empty, contains a dot, or is already an attribute.

        Example:
            >>> import plait
            >>> from plait import nn
            >>> m = nn.Module()
            >>> m.register_buffer("mean", plait.zeros(2))
            >>> m.mean.tolist()
            [0.0, 0.0]
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError(_before_init("buffer"))
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise ArgumentTypeError(_cannot_assign(tensor, "buffer", name, "plait.Tensor"))
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as :meth:`add_module`."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child module under ``name``.

        Raises:
            TypeError: if ``name`` is no string or ``module`` neither a module nor ``None``.
            KeyError: if the name is empty, contains a dot, or is already an attribute.
        """
        if "_modules" not in self.__dict__:
            raise AttributeError(_before_init("module"))
        if module is not None and not isinstance(module, Module):
            raise ArgumentTypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._modules[name] = module

    def _check_name(self, kind: str, name: Any, table: Mapping[str, Any]) -> None:
        if not isinstance(name, str):
            raise ArgumentTypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in table and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # -- look-up by dotted name ------------------------------------------------------------------------------

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path such as ``"encoder.layers.0"``; ``""`` is the module itself.

        Args:
            target: names with dots, such as ``"encoder.0"``; "" is the module itself.

        Raises:
            AttributeError: if a part of the path does not exist or is no module.
        """
        module: Any = self
        if target == "":
            return self
        for part in target.split("."):
            if not hasattr(module, part):
                raise AttributeError(f"{module._get_name()} has no attribute `{part}`")
            module = getattr(module, part)
            if not isinstance(module, Module):
                raise AttributeError(f"`{part}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put ``module`` at a dotted path.

        Args:
            target: the path; all parts but the last must exist.
            module: the new module.
            strict: whether the last part must exist too. Default: ``False``.

        Raises:
            ValueError: if ``target`` is empty or ``module`` is no module.
            AttributeError: if the path does not lead to a module.
        """
        if target == "":
            raise ArgumentError("set_submodule: expected a target, got an empty string")
        if not isinstance(module, Module):
            raise ArgumentError(f"set_submodule: expected a module, got {type(module).__name__}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path.

        Args:
            target: names with dots, such as ``"0.weight"``.

        Raises:
            AttributeError: if the path does not lead to a parameter.
        """
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        param = getattr(parent, name)
        if not isinstance(param, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return param

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path.

        Args:
            target: names with dots, such as ``"0.weight"``.

        Raises:
            AttributeError: if the path does not lead to a buffer.
        """
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if name not in parent._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return getattr(parent, name)

    # -- iteration -------------------------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """All modules of the tree with their dotted names, this one (named ``prefix``) first.

        Args:
            memo: modules to leave out; those found are added.
            prefix: put before each name.
            remove_duplicate: whether a module found in two places is yielded once. Default: ``True``.
        """
        if memo is None:
            memo = set()
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from child.named_modules(memo, path, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """All modules of the tree, this one first; each once.

        Args:
            remove_duplicate: whether a module that is there twice comes once. Default: ``True``.
        """
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct children with their names; a module found twice is yielded once."""
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The direct children; each once."""
        for _, child in self.named_children():
            yield child

    def _named_members(
        self,
        get_members: Callable[[Module], Iterable[tuple[str, Any]]],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules: Iterable[tuple[str, Module]] = [(prefix, self)]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in modules:
            for name, member in get_members(module):
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their dotted names, in the order of registration.

        Args:
            prefix: put before each name.
            recurse: whether children are included. Default: ``True``.
            remove_duplicate: whether a shared parameter is yielded once. Default: ``True``.
        """
        return self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once; what an optimizer is given.

        Args:
            recurse: whether those of child modules come too. Default: ``True``.
        """
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their dotted names; arguments as for :meth:`named_parameters`."""
        return self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once.

        Args:
            recurse: whether those of child modules come too. Default: ``True``.
        """
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    # -- mode, gradients, conversion -------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set training mode here and in all children; dropout and batch norm depend on it. Returns the module.

        Raises:
            ValueError: if ``mode`` is not a ``bool``.
        """
        if not isinstance(mode, bool):
            raise ArgumentError(f"training mode is expected to be boolean, got {type(mode).__name__}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode; the same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say for all parameters whether they need a gradient; ``False`` freezes the module. Returns it.

        Args:
            requires_grad: whether gradients are computed. Default: ``True``.
        """
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or with ``set_to_none=False`` fill them with zeros."""
        for param in self.parameters():
            if param.grad is None:
                continue
            if set_to_none:
                param.grad = None
            else:
                if param.grad.grad_fn is not None:
                    param.grad.detach_()
                else:
                    param.grad.requires_grad_(False)
                param.grad.zero_()

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call ``fn`` with every module of the tree, children first, this one last. Returns the module.

        Example:
            >>> from plait import nn
            >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
            >>> _ = net.apply(lambda m: print(type(m).__name__))
            Linear
            ReLU
            Sequential
        """
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the values of every parameter, gradient and buffer by ``fn`` of them."""
        if recurse:
            for child in self.children():
                child._apply(fn)
        for key, param in self._parameters.items():
            if param is None:
                continue
            with no_grad():
                data = fn(param)
            grad = param.grad
            if data.is_meta == param.is_meta:
                param.data = data
            else:  # nobody else's parameter loses or gains its values
                param = self._parameters[key] = Parameter(data, param.requires_grad)
            if grad is not None:
                with no_grad():
                    new_grad = fn(grad)
                param.grad = new_grad.requires_grad_(grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is None:
                continue
            if is_lazy(buffer):  # keeps its class, which waits for a shape
                buffer.data = fn(buffer)
            else:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move and convert parameters and buffers, in place.

        Accepts ``to(device)``, ``to(dtype)``, ``to(device, dtype)`` and ``to(tensor)``, which takes both from
        the tensor. Only floating-point tensors change their dtype. ``non_blocking`` and ``memory_format`` are
        accepted for the sake of existing programs. Returns the module.

        Raises:
            TypeError: if the dtype is neither floating point nor complex, or an argument is not understood.
            RuntimeError: if the device is neither the CPU nor "meta".
            NotImplementedError: from "meta" to the CPU, since there are no values; see ``to_empty``.

        Example:
            >>> import plait
            >>> from plait import nn
            >>> nn.Linear(2, 2).to(plait.float64).weight.dtype == plait.float64
            True
        """
        device, dtype = _parse_to(args, kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise ArgumentTypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def convert(tensor: Tensor) -> Tensor:
            if device is not None and tensor.is_meta and device.type != "meta":
                raise NotImplementedError(
                    "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of "
                    "torch.nn.Module.to() when moving module from meta to a different device."
                )
            converts = dtype is not None and (tensor.is_floating_point() or tensor.is_complex())
            return tensor.to(device, dtype if converts else None)

        return self._apply(convert)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Give every parameter and buffer new, uninitialised storage of the same shape. Returns the module.

        Args:
            device: the CPU or "meta".
            recurse: whether child modules change too. Default: ``True``.
        """
        return self._apply(lambda t: _core.empty_like(t, device=device), recurse=recurse)

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers, of whatever dtype, to ``dst_type``. Returns the module."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Convert floating-point parameters and buffers to ``float32``. Returns the module."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Self:
        """Convert floating-point parameters and buffers to ``float64``. Returns the module."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Self:
        """Convert floating-point parameters and buffers to ``float16``. Returns the module."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self) -> Self:
        """Convert floating-point parameters and buffers to ``bfloat16``. Returns the module."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def cpu(self) -> Self:
        """Return the module; its tensors are on the CPU."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Self:
        """Raise RuntimeError, since plait computes on the CPU.

        Args:
            device: accepted; there is one device, the CPU.

        Raises:
            RuntimeError: always.
        """
        raise ArgumentError(
            "Module.cuda: expected a CUDA device, got none: plait computes on the CPU\n"
            "hint: use model.to('cuda' if plait.cuda.is_available() else 'cpu')"
        )

    def share_memory(self) -> Self:
        """Move parameters, buffers and gradients to memory that forked processes see; return the module.

        Tensors that share memory go on sharing it. Optimizers keep their parameters, which stay the same objects.

        Example:
            >>> import plait
            >>> net = plait.nn.Linear(2, 2).share_memory()
            >>> net.weight.is_shared()
            True
        """
        from ..._shared_memory import share

        tensors = [*self.parameters(), *self.buffers()]
        share([*tensors, *(t.grad for t in tensors if t.is_leaf and t.grad is not None)])
        return self

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: eager calls are what plait optimises."""

    # -- state -----------------------------------------------------------------------------------------------

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """All parameters and persistent buffers by dotted name; the tensors share memory with the module's.

        Args:
            destination: a dict to write to. Default: a new one.
            prefix: put before each name.
            keep_vars: whether the tensors stay attached to the autograd graph. Default: ``False``.

        Example:
            >>> from plait import nn
            >>> list(nn.Linear(2, 3).state_dict())
            ['weight', 'bias']
        """
        if args:  # the old positional form (destination, prefix, keep_vars)
            destination = args[0]
            prefix = args[1] if len(args) > 1 else prefix
            keep_vars = args[2] if len(args) > 2 else keep_vars
        return _state_dict.save(self, destination, prefix, keep_vars)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Write what this module itself owns; subclasses override it to store more."""
        _state_dict.save_own(self, destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values of ``state_dict`` into the parameters and buffers.

        If an error is raised, no tensor of the module has changed.

        Args:
            state_dict: tensors by dotted name, as from :meth:`state_dict`.
            strict: whether the keys must be exactly those of the module. Default: ``True``.
            assign: whether the given tensors become the module's own instead of being copied. The
                parameters keep their ``requires_grad``. Default: ``False``.

        Returns:
            A named tuple of ``missing_keys`` and ``unexpected_keys``.

        Raises:
            TypeError: if ``state_dict`` is no mapping.
            RuntimeError: naming every missing key, unexpected key and wrong shape.

        Example:
            >>> from plait import nn
            >>> nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3).state_dict())
            <All keys matched successfully>
        """
        return _state_dict.load(self, state_dict, strict, assign)

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take what this module itself owns; subclasses override it to rename or convert entries."""
        _state_dict.load_own(
            self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )

    def get_extra_state(self) -> Any:
        """What to store in ``state_dict`` besides tensors; define it together with :meth:`set_extra_state`.

        Raises:
            RuntimeError: the subclass does not define it.
        """
        raise RuntimeError("get_extra_state: the subclass that calls it must define it")

    def set_extra_state(self, state: Any) -> None:
        """Take back what :meth:`get_extra_state` returned.

        Args:
            state: what ``state_dict`` holds for this module.

        Raises:
            RuntimeError: the subclass does not define it.
        """
        raise RuntimeError("set_extra_state: the subclass that calls it must define it")

    # -- hooks -----------------------------------------------------------------------------------------------

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Run ``hook(module, args)`` before each forward; it may return changed arguments.

        Args:
            hook: gets the positional arguments as a tuple; a value other than ``None`` replaces them.
            prepend: whether it runs before the hooks already there. Default: ``False``.
            with_kwargs: call ``hook(module, args, kwargs)`` instead, which returns ``None`` or a pair
                ``(args, kwargs)``. Default: ``False``.

        Returns:
            A handle whose ``remove()`` takes the hook out.
        """
        options = self._make_table("_hook_options")
        return add_flagged_hook(self._forward_pre_hooks, hook, options, hook_flags(with_kwargs), prepend=prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Run ``hook(module, args, output)`` after each forward; it may return another output.

        Args:
            hook: a value other than ``None`` replaces the output.
            prepend: whether it runs before the hooks already there. Default: ``False``.
            with_kwargs: call ``hook(module, args, kwargs, output)`` instead. Default: ``False``.
            always_call: whether it runs also when the forward raises (with ``None`` as output).

        Returns:
            A handle whose ``remove()`` takes the hook out.

        Example:
            >>> import plait
            >>> from plait import nn
            >>> layer = nn.Linear(2, 3)
            >>> with layer.register_forward_hook(lambda m, args, out: print(tuple(out.shape))):
            ...     _ = layer(plait.ones(1, 2))
            (1, 3)
        """
        options = self._make_table("_hook_options")
        flags = hook_flags(with_kwargs, always_call)
        return add_flagged_hook(self._forward_hooks, hook, options, flags, prepend=prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Run ``hook(module, grad_output)`` before the module's backward; it may return another gradient.

        Args:
            prepend: whether it runs before the hooks already there. Default: ``False``.
        """
        return add_hook(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Run ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are known.

        Both are tuples with one entry per positional argument or output (``None`` for what is no tensor or
        needs no gradient). A value other than ``None`` replaces ``grad_input``.

        Args:
            prepend: whether it runs before the hooks already there. Default: ``False``.
        """
        return add_hook(self._backward_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The old name of :meth:`register_full_backward_hook`."""
        return self.register_full_backward_hook(hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Run ``hook(module, prefix, keep_vars)`` before ``state_dict`` reads this module."""
        return add_hook(self._make_table("_state_dict_pre_hooks"), hook)

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Run ``hook(module, state_dict, prefix, local_metadata)`` after ``state_dict`` read this module.

        The hook may change the dict in place and must return ``None``.
        """
        return add_hook(self._make_table("_state_dict_hooks"), _SaveHook(hook, may_replace=False))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        return add_hook(self._make_table("_state_dict_hooks"), _SaveHook(hook, may_replace=True))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Run ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
        error_msgs)`` before this module looks for its tensors; it may change the dict."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., None], with_module: bool = False
    ) -> RemovableHandle:
        return add_hook(self._make_table("_load_state_dict_pre_hooks"), _PreLoadHook(hook, with_module))

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Run ``hook(module, incompatible_keys)`` after loading; it may clear entries it can accept."""
        return add_hook(self._make_table("_load_state_dict_post_hooks"), hook)

    def _make_table(self, name: str) -> HookTable:
        """A table of rarely used hooks, made at its first use."""
        table = getattr(self, name)
        if table is None:
            table = self.__dict__[name] = OrderedDict()
        return table

    # -- text ------------------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """The text between the parentheses of the module's ``repr``; subclasses override it."""
        return ""

    def __repr__(self) -> str:
        return module_repr(self)


class _SaveHook:
    """A hook on ``state_dict``; it may return another dict only if ``may_replace``."""

    def __init__(self, hook: Callable[..., Any], may_replace: bool) -> None:
        self.hook = hook
        self.may_replace = may_replace

    def __call__(self, module: Module, state_dict: Any, prefix: str, local_metadata: Any) -> Any:
        result = self.hook(module, state_dict, prefix, local_metadata)
        if result is None:
            return state_dict
        if not self.may_replace:
            raise RuntimeError("state_dict post-hook: expected None; change the dict in place instead")
        return result


class _PreLoadHook:
    """A load hook with or without the module as its first argument."""

    def __init__(self, hook: Callable[..., None], with_module: bool) -> None:
        self.hook = hook
        self.with_module = with_module

    def __call__(self, module: Module, *args: Any) -> None:
        if self.with_module:
            self.hook(module, *args)
        else:
            self.hook(*args)


def _before_init(kind: str) -> str:
    return (
        f"cannot assign {kind} before Module.__init__() call\nhint: make super().__init__() the first line of __init__"
    )


def _cannot_assign(value: Any, kind: str, name: str, expected: str) -> str:
    text = f"cannot assign '{type(value).__name__}' as {kind} '{name}' ({expected} or None expected)"
    if kind == "parameter" and isinstance(value, Tensor):
        text += "\nhint: wrap it in nn.Parameter, or change the values with .copy_() under no_grad()"
    return text


def _parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """The (device, dtype) that the arguments of ``Module.to`` ask for."""
    kwargs = dict(kwargs)
    kwargs.pop("non_blocking", None)
    kwargs.pop("memory_format", None)
    kwargs.pop("copy", None)
    device, dtype, tensor = (kwargs.pop(name, None) for name in ("device", "dtype", "tensor"))
    if kwargs:
        raise ArgumentTypeError(f"Module.to: got an unexpected keyword argument '{next(iter(kwargs))}'")
    for arg in args:
        if isinstance(arg, Tensor):
            tensor = arg
        elif isinstance(arg, _core.dtype):
            dtype = arg
        elif isinstance(arg, bool) or arg is None:
            continue  # non_blocking, or "leave it"
        elif isinstance(arg, (str, int, _core.device)):
            device = arg
        else:
            raise ArgumentTypeError(f"Module.to: expected a device, dtype or tensor, got {type(arg).__name__}")
    if tensor is not None:
        device, dtype = tensor.device, tensor.dtype
    return (None if device is None else _core._check_device("Module.to", device)), dtype


def _add_module_path(error: Exception, module: Module, args: tuple[Any, ...]) -> None:
    """Note on ``error`` in which module of the tree it was raised, and what that module was given.

    The innermost module writes the note; each module further out extends the path it shows.
    """
    trace = error.__dict__.get("_module_trace")
    if trace is None:
        inputs = ", ".join(str(tuple(a.shape)) if _has_shape(a) else type(a).__name__ for a in args)
        what = repr(module) if not module._modules else type(module).__name__
        trace = {"path": "", "module": module, "text": f"{what} got input {inputs or 'nothing'}"}
        error._module_trace = trace  # type: ignore[attr-defined]
    elif trace["module"] is not module:
        for path, inner in module.named_modules():
            if inner is trace["module"]:
                trace["path"] = f"{path}.{trace['path']}".strip(".")
                trace["module"] = module
                break
        notes = error.__notes__
        if trace.get("note") in notes:
            notes.remove(trace["note"])
    location = type(module).__name__ + (f".{trace['path']}" if trace["path"] else "")
    trace["note"] = f"in {location}: {trace['text']}"
    error.add_note(trace["note"])


def _has_shape(value: Any) -> bool:
    return isinstance(value, Tensor) and not is_lazy(value)


_core._set_module_calls(
    ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks"),
    GLOBAL_TABLES,
    call_with_hooks,
    _add_module_path,
)
