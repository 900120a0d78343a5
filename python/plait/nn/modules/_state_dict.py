# SPDX-License-Identifier: MIT
"""``state_dict`` and ``load_state_dict``: what is written, and how loading is all or nothing.

Loading has two steps. The walk over the modules compares keys and shapes and collects a list of assignments;
only when nothing is wrong are they carried out. A failed load leaves the model as it was.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..._core import ArgumentError, ArgumentTypeError, Tensor
from ...autograd.grad_mode import no_grad
from ..parameter import Parameter, is_lazy

if TYPE_CHECKING:
    from .module import Module

__all__ = ["IncompatibleKeys", "load", "load_own", "save"]

EXTRA_STATE = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` returns: keys of the model without a value, and values without a place."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"

    def __str__(self) -> str:
        return repr(self)


class LoadReport(list[str]):
    """The error messages of a load, with the assignments to make if there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[Callable[[], None]] = []


def save(module: Module, destination: Any, prefix: str, keep_vars: bool) -> Any:
    """Write the state of ``module`` and its children to ``destination`` under ``prefix``."""
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()  # the version of each module, by its path
    local_metadata = {"version": module._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = local_metadata
    for pre_hook in (module._state_dict_pre_hooks or {}).values():
        pre_hook(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook in (module._state_dict_hooks or {}).values():
        destination = hook(module, destination, prefix, local_metadata)
    return destination


def save_own(module: Module, destination: Any, prefix: str, keep_vars: bool) -> None:
    """Write the tensors that ``module`` itself owns."""
    for name, tensor in (*module._parameters.items(), *module._buffers.items()):
        if tensor is not None and name not in module._non_persistent_buffers_set:
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
    if type(module).get_extra_state is not _module_class().get_extra_state:
        destination[prefix + EXTRA_STATE] = module.get_extra_state()


def load(module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Load ``state_dict`` into ``module`` and its children, or raise and change nothing."""
    if not isinstance(state_dict, Mapping):
        raise ArgumentTypeError(f"load_state_dict: expected state_dict to be a dict, got {type(state_dict).__name__}")
    metadata = getattr(state_dict, "_metadata", None) or {}
    remaining = OrderedDict(state_dict)
    report = LoadReport()
    keys = IncompatibleKeys([], [])
    post_hooks: list[Callable[[], None]] = []

    def walk(current: Module, local: dict[str, Any], prefix: str) -> None:
        local_metadata = dict(metadata.get(prefix[:-1], {}))
        if assign:
            local_metadata["assign_to_params_buffers"] = True
        current._load_from_state_dict(local, prefix, local_metadata, True, *keys, report)
        for name, child in current._modules.items():
            if child is not None:
                child_prefix = f"{prefix}{name}."
                walk(child, {k: v for k, v in local.items() if k.startswith(child_prefix)}, child_prefix)
        for hook in (current._load_state_dict_post_hooks or {}).values():
            post_hooks.append(partial(_run_post_hook, hook, current, keys))

    walk(module, remaining, "")
    sound = not _problems(report, keys, strict)
    if sound:
        _carry_out(report.actions)
    for run in post_hooks:  # may clear entries of `keys`
        run()
    problems = _problems(report, keys, strict)
    if problems:
        raise ArgumentError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(problems))
    if not sound:
        _carry_out(report.actions)
    return keys


def _run_post_hook(hook: Callable[..., Any], module: Module, keys: IncompatibleKeys) -> None:
    if hook(module, keys) is not None:
        raise RuntimeError("load_state_dict post-hook: expected None; change incompatible_keys in place instead")


def _problems(report: LoadReport, keys: IncompatibleKeys, strict: bool) -> list[str]:
    problems = list(report)
    if strict:
        if keys.unexpected_keys:
            listed = ", ".join(f'"{k}"' for k in keys.unexpected_keys)
            problems.insert(0, f"Unexpected key(s) in state_dict: {listed}. ")
        if keys.missing_keys:
            listed = ", ".join(f'"{k}"' for k in keys.missing_keys)
            problems.insert(0, f"Missing key(s) in state_dict: {listed}. ")
    return problems


def _carry_out(actions: list[Callable[[], None]]) -> None:
    with no_grad():
        for action in actions:
            action()


def load_own(
    module: Module,
    state_dict: Mapping[str, Any],
    prefix: str,
    local_metadata: Mapping[str, Any],
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """Compare the tensors ``module`` owns with ``state_dict`` and note what to copy.

    Called with a plain list for ``error_msgs`` (by code that has its own loading loop), the copies are made
    at once.
    """
    for hook in (module._load_state_dict_pre_hooks or {}).values():
        hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)

    actions: list[Callable[[], None]] = []
    assign = bool(local_metadata.get("assign_to_params_buffers", False))
    own = {
        name: tensor
        for name, tensor in (*module._parameters.items(), *module._buffers.items())
        if tensor is not None and name not in module._non_persistent_buffers_set
    }
    for name, tensor in own.items():
        key = prefix + name
        if key not in state_dict:
            if strict:
                missing_keys.append(key)
            continue
        action = _plan_tensor(module, name, tensor, key, state_dict[key], assign, error_msgs)
        if action is not None:
            actions.append(action)

    extra_key = prefix + EXTRA_STATE
    if type(module).set_extra_state is not _module_class().set_extra_state:
        if extra_key in state_dict:
            extra = state_dict[extra_key]
            actions.append(lambda: module.set_extra_state(extra))
        elif strict:
            missing_keys.append(extra_key)
    elif strict and extra_key in state_dict:
        unexpected_keys.append(extra_key)

    if strict:
        for key in state_dict:
            if key.startswith(prefix) and key != extra_key:
                head, dot, _ = key[len(prefix) :].partition(".")
                if head not in module._modules if dot else head not in own:
                    unexpected_keys.append(key)

    if isinstance(error_msgs, LoadReport):
        error_msgs.actions.extend(actions)
    else:
        _carry_out(actions)


def _plan_tensor(
    module: Module, name: str, tensor: Tensor, key: str, value: Any, assign: bool, error_msgs: list[str]
) -> Callable[[], None] | None:
    """The assignment of ``value`` to the tensor ``name`` of ``module``, or None and an error message."""
    if not isinstance(value, Tensor):
        error_msgs.append(
            f'While copying the parameter named "{key}", expected a Tensor from the checkpoint but received '
            f"{type(value).__name__}. "
        )
        return None
    lazy = is_lazy(tensor)
    if lazy and is_lazy(value):
        return None
    if is_lazy(value):
        error_msgs.append(f'While copying the parameter named "{key}": the checkpoint holds no values for it. ')
        return None
    if not lazy:
        # A scalar was once written with the shape (1,).
        if tensor.dim() == 0 and value.dim() == 1 and value.numel() == 1:
            value = value[0]
        if tuple(value.shape) != tuple(tensor.shape):
            error_msgs.append(
                f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
            return None

    if value.is_meta and not tensor.is_meta and not assign:
        error_msgs.append(
            f'While copying the parameter named "{key}", whose dimensions in the model are {tensor.size()} and whose '
            f"dimensions in the checkpoint are {value.size()}, an exception occurred : "
            f"('Cannot copy out of meta tensor; no data!',)."
        )
        return None
    if tensor.is_meta and not value.is_meta and not assign:
        warnings.warn(
            f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current model, "
            "which is a no-op. (Did you mean to pass `assign=True` to assign items in the state dictionary to their "
            "corresponding key in the module instead of copying them in place?)",
            stacklevel=2,
        )

    def run() -> None:
        if assign:
            if isinstance(tensor, Parameter):
                new = value if isinstance(value, Parameter) else Parameter(value, tensor.requires_grad)
                new.requires_grad_(tensor.requires_grad)
                module._parameters[name] = new
            else:
                module._buffers[name] = value
            return
        if lazy:
            tensor.materialize(value.shape, value.device, value.dtype)
        tensor.copy_(value)

    return run


@cache
def _module_class() -> type[Module]:
    from .module import Module

    return Module
