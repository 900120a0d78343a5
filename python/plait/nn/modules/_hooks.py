# SPDX-License-Identifier: MIT
"""Hooks of modules: handles, hooks shared by all modules, and the call that runs them.

The call of a module comes here only if a hook is set, so a model without hooks pays nothing for them.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..._core import Tensor
from ..._hooks import HookTable, RemovableHandle, add_hook
from ..._warn import warn_user

if TYPE_CHECKING:
    from .module import Module

__all__ = [
    "RemovableHandle",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]


def add_flagged_hook(
    hooks: HookTable, hook: Any, options: HookTable, flags: frozenset[str], *, prepend: bool = False
) -> RemovableHandle:
    """:func:`add_hook` for hooks that are called in a way of their own; ``options`` keeps the flags, if any."""
    handle = add_hook(hooks, hook, prepend=prepend, extra=options)
    if flags:
        options[handle.id] = flags
    return handle


class GlobalHooks:
    """Hooks that run for every module."""

    def __init__(self) -> None:
        self.forward_pre: HookTable = OrderedDict()
        self.forward: HookTable = OrderedDict()
        self.backward_pre: HookTable = OrderedDict()
        self.backward: HookTable = OrderedDict()
        self.options: HookTable = OrderedDict()


GLOBAL = GlobalHooks()
# Looked at in every call of a module.
GLOBAL_TABLES = (GLOBAL.forward_pre, GLOBAL.forward, GLOBAL.backward_pre, GLOBAL.backward)


def register_module_forward_pre_hook(hook: Callable[[Module, tuple[Any, ...]], Any]) -> RemovableHandle:
    """Run ``hook(module, args)`` before the forward of every module; meant for debugging and profiling.

    See :meth:`plait.nn.Module.register_forward_pre_hook` for what the hook may return.
    """
    return add_hook(GLOBAL.forward_pre, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Run ``hook(module, args, output)`` after the forward of every module.

    See :meth:`plait.nn.Module.register_forward_hook` for the arguments and what the hook may return.
    """
    return add_flagged_hook(GLOBAL.forward, hook, GLOBAL.options, hook_flags(with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(module, grad_output)`` before the backward of every module."""
    return add_hook(GLOBAL.backward_pre, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Run ``hook(module, grad_input, grad_output)`` after the backward of every module."""
    return add_hook(GLOBAL.backward, hook)


def hook_flags(with_kwargs: bool, always_call: bool = False) -> frozenset[str]:
    return frozenset(name for name, on in (("kwargs", with_kwargs), ("always", always_call)) if on)


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``module.forward(*args, **kwargs)`` with every hook that applies, in the documented order."""
    options = {**GLOBAL.options, **(module._hook_options or {})}
    forward_hooks = {**GLOBAL.forward, **module._forward_hooks}
    done: set[int] = set()
    result = None
    try:
        for key, hook in (*GLOBAL.forward_pre.items(), *module._forward_pre_hooks.items()):
            args, kwargs = _run_pre_hook(module, hook, "kwargs" in options.get(key, ()), args, kwargs)
        gate = None
        if module._backward_hooks or module._backward_pre_hooks or GLOBAL.backward or GLOBAL.backward_pre:
            gate = _BackwardGate(module)
            args = gate.watch_inputs(args)
        result = module.forward(*args, **kwargs)
        for key, hook in forward_hooks.items():
            done.add(key)
            if "kwargs" in options.get(key, ()):
                changed = hook(module, args, kwargs, result)
            else:
                changed = hook(module, args, result)
            if changed is not None:
                result = changed
        return result if gate is None else gate.watch_outputs(result)
    except Exception:
        for key, hook in forward_hooks.items():
            if key not in done and "always" in options.get(key, ()):
                _run_hook_after_error(module, hook, "kwargs" in options[key], args, kwargs, result)
        raise


def _run_pre_hook(
    module: Module, hook: Any, with_kwargs: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not with_kwargs:
        result = hook(module, args)
        if result is None:
            return args, kwargs
        return (result if isinstance(result, tuple) else (result,)), kwargs
    result = hook(module, args, kwargs)
    if result is None:
        return args, kwargs
    if isinstance(result, tuple) and len(result) == 2:
        return result
    raise RuntimeError(f"forward pre-hook: expected None or a pair (args, kwargs), got {result!r}")


def _run_hook_after_error(
    module: Module, hook: Any, with_kwargs: bool, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    try:
        if with_kwargs:
            hook(module, args, kwargs, result)
        else:
            hook(module, args, result)
    except Exception as error:
        warn_user(f"forward hook with always_call raised {error!r} after another error")


class _BackwardGate:
    """Two identity nodes around a module's forward, which call its backward hooks.

    The node behind the outputs sees ``grad_output`` first; the node before the inputs sees ``grad_input``
    when all of them are known. If no input needs a gradient, the output node calls both kinds of hooks.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.pre_hooks = [*GLOBAL.backward_pre.values(), *module._backward_pre_hooks.values()]
        self.hooks = [*GLOBAL.backward.values(), *module._backward_hooks.values()]
        self.grad_output: tuple[Any, ...] | None = None
        self.watches_inputs = False
        self.input_slots: list[int] = []
        self.input_count = 0

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.input_slots = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        self.input_count = len(args)
        tensors = [args[i] for i in self.input_slots]
        if not any(t.requires_grad for t in tensors):
            return args
        self.watches_inputs = True
        passed = list(args)
        for slot, tensor in zip(self.input_slots, _pass_through(self.on_grad_input, tensors)):
            passed[slot] = tensor
        return tuple(passed)

    def watch_outputs(self, result: Any) -> Any:
        single = isinstance(result, Tensor)
        if not single and not isinstance(result, (tuple, list)):
            warn_user(
                f"full backward hook: expected forward to return a tensor or a tuple of tensors, got "
                f"{type(result).__name__}; the hook does not run for this call"
            )
            return result
        items = [result] if single else list(result)
        slots = [i for i, item in enumerate(items) if isinstance(item, Tensor)]
        tensors = [items[i] for i in slots]
        if not any(t.requires_grad for t in tensors):
            return result
        count = len(items)

        def on_grad(grads: tuple[Any, ...]) -> tuple[Any, ...]:
            full: list[Any] = [None] * count
            for slot, grad in zip(slots, grads):
                full[slot] = grad
            changed = self.on_grad_output(tuple(full))
            return tuple(changed[slot] for slot in slots)

        for slot, tensor in zip(slots, _pass_through(on_grad, tensors)):
            items[slot] = tensor
        if single:
            return items[0]
        if hasattr(result, "_fields"):  # a named tuple takes its fields one by one
            return type(result)(*items)
        return type(result)(items)

    def on_grad_output(self, grad_output: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.pre_hooks:
            changed = hook(self.module, grad_output)
            if changed is not None:
                grad_output = _checked("pre-hook", changed, len(grad_output))
        self.grad_output = grad_output
        if not self.watches_inputs:
            for hook in self.hooks:
                if hook(self.module, (None,) * self.input_count, grad_output) is not None:
                    raise RuntimeError(
                        "full backward hook: expected None, because no input of the module needs a gradient"
                    )
            self.grad_output = None
        return grad_output

    def on_grad_input(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.grad_output is None:  # the gradient did not come through the module's output
            return grads
        full: list[Any] = [None] * self.input_count
        for slot, grad in zip(self.input_slots, grads):
            full[slot] = grad
        grad_input = tuple(full)
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is not None:
                grad_input = _checked("hook", changed, len(grad_input))
        self.grad_output = None
        return tuple(grad_input[slot] for slot in self.input_slots)


def _checked(kind: str, changed: Any, count: int) -> tuple[Any, ...]:
    changed = changed if isinstance(changed, tuple) else (changed,)
    if len(changed) != count:
        raise RuntimeError(f"full backward {kind}: expected {count} gradients, got {len(changed)}")
    return changed


def _pass_through(on_grad: Callable[[tuple[Any, ...]], tuple[Any, ...]], tensors: list[Tensor]) -> tuple[Tensor, ...]:
    """Return the tensors unchanged; in backward, their gradients go through ``on_grad`` together."""
    return _pass_through_function().apply(on_grad, *tensors)


@functools.cache
def _pass_through_function() -> Any:
    from ...autograd import Function

    class PassThrough(Function):
        @staticmethod
        def forward(ctx: Any, on_grad: Any, *inputs: Tensor) -> tuple[Tensor, ...]:
            ctx.on_grad = on_grad
            ctx.mark_non_differentiable(*(t for t in inputs if not t.requires_grad))
            return tuple(t.view_as(t) for t in inputs)

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
            return (None, *ctx.on_grad(grads))

    return PassThrough
