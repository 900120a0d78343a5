# SPDX-License-Identifier: MIT
"""The base class of all optimizers: parameter groups, state, hooks, saving and loading."""

from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any, ClassVar, TypeAlias, cast

from .. import _core
from .._core import ArgumentError, ArgumentTypeError, Tensor
from .._hooks import HookTable, RemovableHandle, add_hook
from .._warn import warn_user
from ..autograd.grad_mode import enable_grad, no_grad
from ._hyperparameters import Rules, check

__all__ = ["Optimizer", "ParamsT", "required"]

ParamsT: TypeAlias = "Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]"


class _Required:
    """The default of a hyperparameter that every group must give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a class's ``step`` so that hooks run around it and the steps are counted."""

    @functools.wraps(step)
    def wrapper(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._steps_taken += 1
        if not self._step_pre_hooks and not self._step_post_hooks:
            return step(self, *args, **kwargs)
        for hook in list(self._step_pre_hooks.values()):
            result = hook(self, args, kwargs)
            if result is not None:
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        f"{hook}: expected a step pre-hook to return None or (args, kwargs), got {result!r}"
                    )
                args, kwargs = result
        out = step(self, *args, **kwargs)
        for hook in list(self._step_post_hooks.values()):
            hook(self, args, kwargs)
        return out

    wrapper._runs_hooks = True  # type: ignore[attr-defined]
    return wrapper


class Optimizer:
    """Base class of the optimizers.

    A subclass gives its hyperparameters' defaults to ``__init__`` and implements ``step(closure=None)`` or
    ``_step_group(group)``, which updates the parameters of one group that have a gradient. It may declare bounds of
    its hyperparameters in ``HYPERPARAMETERS`` and the names of a parameter's state in ``STATE``.

    Args:
        params: tensors, (name, tensor) pairs, or dicts that define parameter groups, each with a key
            ``"params"`` and the hyperparameters that differ from the defaults.
        defaults: the hyperparameters of groups that do not give their own.

    Attributes:
        param_groups: list of dicts with ``"params"`` and the hyperparameters; may be edited between steps.
        state: maps each parameter to a dict of its running averages and the like.

    Raises:
        TypeError: ``params`` is a single tensor, an unordered set, or holds something that is no tensor.
        ValueError: no parameters, a tensor that is not a leaf, or one that is in two groups.

    Example:
        >>> import plait
        >>> w = plait.zeros(3, requires_grad=True)
        >>> opt = plait.optim.SGD([{"params": [w], "lr": 0.1}], lr=0.01)
        >>> opt.param_groups[0]["lr"]
        0.1
    """

    HYPERPARAMETERS: ClassVar[Rules] = {}  # which values they may have
    STATE: ClassVar[tuple[str, ...]] = ()  # of a parameter: "step" counts, the others start as zeros of its shape

    # For a subclass that wraps another optimizer and does not call __init__.
    _step_pre_hooks: HookTable = OrderedDict()
    _step_post_hooks: HookTable = OrderedDict()
    _steps_taken = 0  # lr schedulers look at it to see that step() came before theirs

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        step = cls.__dict__.get("step")
        if callable(step) and not hasattr(step, "_runs_hooks"):
            cls.step = _with_hooks(step)  # type: ignore[method-assign]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self._check(defaults)
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._init_hooks()
        if isinstance(params, Tensor):
            raise ArgumentTypeError(
                f"{type(self).__name__}: expected an iterable of tensors or of dicts, got a tensor of shape "
                f"{tuple(params.shape)}\nhint: pass [tensor] or model.parameters()"
            )
        groups = list(params)
        if not groups:
            raise ArgumentError(
                f"{type(self).__name__}: expected at least one parameter, got an empty parameter list\n"
                "hint: an iterator such as model.parameters() is empty once something else has read it"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(cast(dict[str, Any], group))

    def _check(self, values: dict[str, Any]) -> None:
        """Raise ArgumentError for a hyperparameter out of its bounds."""
        name = type(self).__name__
        check(name, self.HYPERPARAMETERS, values)
        if values.get("differentiable"):
            raise NotImplementedError(
                f"{name}: expected differentiable=False, got True; steps are not recorded by autograd"
            )

    def _init_hooks(self) -> None:
        self._step_pre_hooks = OrderedDict()
        self._step_post_hooks = OrderedDict()
        self._state_dict_pre_hooks: HookTable = OrderedDict()
        self._state_dict_post_hooks: HookTable = OrderedDict()
        self._load_state_dict_pre_hooks: HookTable = OrderedDict()
        self._load_state_dict_post_hooks: HookTable = OrderedDict()
        self._steps_taken = 0

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_step_pre_hooks" not in self.__dict__:
            self._init_hooks()
        for group in self.param_groups:
            for key, default in self.defaults.items():
                group.setdefault(key, default)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [""] * (i > 0) + [f"Parameter Group {i}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])

    # ---- parameter groups -------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, for instance layers that are unfrozen later.

        Args:
            param_group: dict with ``"params"`` (a tensor or an iterable of tensors or of (name, tensor)
                pairs) and hyperparameters; missing ones are filled in from the defaults.

        Raises:
            TypeError, ValueError: as for the class.
        """
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise ArgumentTypeError(
                f"{name}: expected a parameter group to be a dict, got {type(param_group).__name__}"
            )
        if "params" not in param_group:
            raise ArgumentError(f"{name}: expected a parameter group with a key 'params', got {sorted(param_group)}")
        self._check({k: v for k, v in param_group.items() if k in self.HYPERPARAMETERS and v is not required})
        params = param_group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, (set, frozenset)):
            raise ArgumentTypeError(
                f"{name}: expected an ordered collection of parameters, got a set, whose order changes"
            )
        params = list(params)
        names: list[str] = []
        if params and all(isinstance(p, tuple) for p in params):
            names = [p[0] for p in params]
            params = [p[1] for p in params]
        for p in params:
            if not isinstance(p, Tensor):
                raise ArgumentTypeError(f"{name}: expected parameters to be tensors, got {type(p).__name__}")
            if not (p.is_leaf or p.retains_grad):
                raise ArgumentError(
                    f"{name}: expected leaf tensors, got an operation's result of shape {tuple(p.shape)}\n"
                    "hint: optimize what it was computed from, or use .detach().requires_grad_()"
                )
        for key, default in self.defaults.items():
            if default is required and key not in param_group:
                raise ArgumentError(f"{name}: expected a value for {key}, which has no default, got a group without")
        if len({id(p) for p in params}) != len(params):
            warn_user(f"{name}: a parameter group holds the same parameter twice")
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in known for p in params):
            raise ArgumentError(f"{name}: expected every parameter in one group only, got one that is in two")
        if bool(names) != any("param_names" in g for g in self.param_groups) and self.param_groups:
            raise ArgumentError(f"{name}: expected either all parameter groups with names or none")
        group = {**param_group, "params": params}
        if names:
            group["param_names"] = names
        for key, default in self.defaults.items():
            group.setdefault(key, default)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none: drop the gradient tensors, so that the next backward pass writes new ones instead of
                adding to zeros. With False they are filled with zeros in place.
        """
        for group in self.param_groups:
            _core._ops.zero_grad(group["params"], set_to_none)

    # ---- stepping ---------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient.

        Args:
            closure: recomputes the loss and its gradients and returns the loss; called before the update.

        Returns:
            What ``closure`` returned, else None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        before = _core._turn_off_torch_function(1)  # parameters of any class are stepped as plain tensors
        try:
            for group in self.param_groups:
                self._step_group(self._without_sparse(group))
        finally:
            _core._turn_off_torch_function(before)
        return loss

    step = _with_hooks(step)

    def _without_sparse(self, group: dict[str, Any]) -> dict[str, Any]:
        """Step the parameters whose gradient is sparse; return the group without them."""
        sparse = _core._with_sparse_grad(group["params"])
        if not sparse:
            return group
        with no_grad():
            for p in sparse:
                self._step_sparse(p, p.grad.detach().coalesce(), group)
        taken = {id(p) for p in sparse}
        return {**group, "params": [p for p in group["params"] if id(p) not in taken]}

    def _step_sparse(self, p: Tensor, grad: Any, group: dict[str, Any]) -> None:
        raise RuntimeError(
            f"{type(self).__name__} does not support sparse gradients, please consider SparseAdam instead\n"
            "hint: SGD and Adagrad take sparse gradients too"
        )

    def _step_group(self, group: dict[str, Any]) -> None:
        raise NotImplementedError(f"{type(self).__name__}: a subclass of Optimizer implements step()")

    def _inputs(self, group: dict[str, Any]) -> tuple[list[Tensor], ...]:
        """The parameters of the group that have a gradient, and for each name of the state a list of their entries."""
        keys = self._state_names(group)
        found = _core._optim_inputs(group["params"], self.state, keys)
        if found is not None:
            return found
        for p in _core._ops.with_grad(group["params"]):
            state = self.state[p]
            if not state:
                self._init_state(p, state, group)
            missing = [k for k in keys if state.get(k) is None]
            if missing:
                raise RuntimeError(
                    f"{type(self).__name__}: expected {', '.join(missing)} in the state of a parameter, got "
                    f"{', '.join(state)}\nhint: options that add state must be set before the first step"
                )
        return _core._optim_inputs(group["params"], self.state, keys)

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The names of a parameter's state; more than ``STATE`` if options of the group add some."""
        return self.STATE

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Fill the empty state of a parameter before its first step."""
        for name in self._state_names(group):
            state[name] = _core.zeros((), dtype=_core.float32) if name == "step" else _core.zeros_like(p)

    # ---- saving and loading -----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The state as a dict that refers to parameters by their position.

        Returns:
            ``{"state": {0: {...}, ...}, "param_groups": [{"lr": ..., "params": [0, 1, ...]}, ...]}``. The
            tensors are the optimizer's own, not copies.

        Example:
            >>> import plait
            >>> w = plait.zeros(3, requires_grad=True)
            >>> plait.optim.SGD([w], lr=0.1).state_dict()["param_groups"][0]["params"]
            [0]
        """
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self)
        index: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                index.setdefault(id(p), len(index))
            packed = {k: v for k, v in group.items() if k != "params"}
            packed["params"] = [index[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {index[id(k)] if isinstance(k, Tensor) else k: v for k, v in self.state.items()}
        result = {"state": state, "param_groups": groups}
        for hook in list(self._state_dict_post_hooks.values()):
            replaced = hook(self, result)
            if replaced is not None:
                result = replaced
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state that :meth:`state_dict` gave, also one of another process.

        The hyperparameters of the groups come from ``state_dict`` too. Floating-point state takes the dtype
        of its parameter; the count ``"step"`` keeps its own. Nothing changes if an error is raised.

        Args:
            state_dict: the result of :meth:`state_dict` of an optimizer with the same parameters.

        Raises:
            ValueError: the number of groups or of parameters in a group differs.
        """
        state_dict = dict(state_dict)
        for hook in list(self._load_state_dict_pre_hooks.values()):
            replaced = hook(self, state_dict)
            if replaced is not None:
                state_dict = replaced
        name = type(self).__name__
        missing = {"state", "param_groups"} - state_dict.keys()
        if missing:
            raise ArgumentError(
                f"{name}.load_state_dict: expected the keys 'state' and 'param_groups', got no {missing}"
            )
        saved_groups = [dict(g) for g in state_dict["param_groups"]]
        groups = self.param_groups
        if len(groups) != len(saved_groups):
            raise ArgumentError(
                f"{name}.load_state_dict: expected {len(groups)} parameter groups, got {len(saved_groups)}"
            )
        for i, (group, saved) in enumerate(zip(groups, saved_groups)):
            if len(group["params"]) != len(saved["params"]):
                raise ArgumentError(
                    f"{name}.load_state_dict: expected {len(group['params'])} parameters in group {i}, "
                    f"got {len(saved['params'])}"
                )
        own = chain.from_iterable(g["params"] for g in groups)
        by_saved_id = dict(zip(chain.from_iterable(g["params"] for g in saved_groups), own))
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in by_saved_id:
                state[by_saved_id[key]] = {k: _cast(by_saved_id[key], v, k) for k, v in value.items()}
            else:
                state[key] = value
        new_groups = []
        for group, saved in zip(groups, saved_groups):
            merged = {k: deepcopy(v) for k, v in saved.items() if k != "params"}
            if "param_names" in group:
                merged["param_names"] = group["param_names"]
            else:
                merged.pop("param_names", None)
            merged["params"] = group["params"]
            new_groups.append(merged)
        self.__setstate__({"state": state, "param_groups": new_groups})
        for hook in list(self._load_state_dict_post_hooks.values()):
            hook(self)

    # ---- hooks ------------------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """``hook(optimizer, args, kwargs)`` runs before each step and may return new (args, kwargs)."""
        return add_hook(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """``hook(optimizer, args, kwargs)`` runs after each step."""
        return add_hook(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """``hook(optimizer)`` runs before :meth:`state_dict` collects anything.

        Args:
            prepend: whether it runs before the hooks already there. Default: ``False``.
        """
        return add_hook(self._state_dict_pre_hooks, hook, prepend=prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """``hook(optimizer, state_dict)`` may change or replace the result of :meth:`state_dict`.

        Args:
            prepend: whether it runs before the hooks already there. Default: ``False``.
        """
        return add_hook(self._state_dict_post_hooks, hook, prepend=prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """``hook(optimizer, state_dict)`` may change or replace what :meth:`load_state_dict` was given.

        Args:
            prepend: whether it runs before the hooks already there. Default: ``False``.
        """
        return add_hook(self._load_state_dict_pre_hooks, hook, prepend=prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """``hook(optimizer)`` runs after :meth:`load_state_dict`.

        Args:
            prepend: whether it runs before the hooks already there. Default: ``False``.
        """
        return add_hook(self._load_state_dict_post_hooks, hook, prepend=prepend)


def _cast(param: Tensor, value: Any, key: str | None = None) -> Any:
    """A copy of saved state for ``param``: floating-point tensors take its dtype, except the step count."""
    if isinstance(value, Tensor):
        if key != "step" and value.is_floating_point() and param.is_floating_point():
            return value.detach().clone().to(param.dtype)
        return value.detach().clone()
    if isinstance(value, dict):
        return {k: _cast(param, v, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(param, v) for v in value)
    return value


def numbers(group: dict[str, Any], *names: str) -> list[float]:
    """Hyperparameters of a group, which may be 0-d tensors, as floats; those of several numbers give several."""
    values: list[float] = []
    for name in names:
        value = group[name]
        if isinstance(value, (tuple, list)):
            values += map(float, value)
        else:
            values.append(float(value))
    return values
