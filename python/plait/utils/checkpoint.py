# SPDX-License-Identifier: MIT
"""Activation checkpointing: compute a part of the model again in backward instead of keeping what it saves.

The part runs with its graph, so results, hooks and derivatives of any order are those without checkpointing. Only
the tensors that its ops save are dropped: hooks put a :class:`_Holder` in the place of each. The first that
backward asks for makes the part run again, with hooks that catch what is saved there, in the same order, for the
holders that are still alive.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import _core
from .._core import ArgumentError, Tensor
from ..autograd.grad_mode import enable_grad
from ..autograd.graph import saved_tensors_hooks
from ..random import get_rng_state, set_rng_state

__all__ = [
    "CheckpointError",
    "checkpoint",
    "checkpoint_sequential",
    "noop_context_fn",
    "set_checkpoint_early_stop",
]


class CheckpointError(RuntimeError):
    """The second run of a checkpointed function saved other tensors than the first."""


class _Stop(Exception):
    """All that was asked for has been computed again."""


class _Holder:
    """Stands for a saved tensor; its values come back with the second run and go with the node that saved it."""

    def __init__(self) -> None:
        self.values: Tensor | None = None


def _same(x: Any) -> Any:
    return x


class _Input:
    """An argument of the function, kept for the second run."""

    def __init__(self, t: Tensor) -> None:
        # Within another checkpoint it is itself something that is computed again.
        hooks: Any = _core._saved_tensor_hooks() or (_same, _same)
        pack, self._unpack = hooks
        self._kept, self._requires_grad = pack(t.detach()), t.requires_grad
        self._version = t._version

    def get(self) -> Tensor:
        t = self._unpack(self._kept)
        if t._version != self._version and t is self._kept:
            raise RuntimeError(
                "checkpoint: an input has been modified by an inplace operation since the function was computed\n"
                "hint: clone() it before the in-place change"
            )
        t = t.detach()
        return t.requires_grad_() if self._requires_grad else t


class _Modes:
    """Random numbers and autocast as they are now, to be set again for the second run."""

    def __init__(self, keep_random: bool) -> None:
        self._random = get_rng_state() if keep_random else None
        self._autocast = _autocast_modes()

    @contextlib.contextmanager
    def again(self) -> Iterator[None]:
        random = get_rng_state() if self._random is not None else None
        autocast = _autocast_modes()
        try:
            if self._random is not None:
                set_rng_state(self._random)
            _set_autocast_modes(self._autocast)
            with enable_grad():
                yield
        finally:
            _set_autocast_modes(autocast)
            if random is not None:
                set_rng_state(random)


def _autocast_modes() -> tuple[bool, Any, bool]:
    return _core._autocast_enabled(), _core._autocast_dtype(), _core._autocast_cache_enabled()


def _set_autocast_modes(modes: tuple[bool, Any, bool]) -> None:
    enabled, dtype, cache = modes
    _core._set_autocast_enabled(enabled)
    _core._set_autocast_dtype(dtype)
    _core._set_autocast_cache_enabled(cache)


def _description(t: Tensor) -> tuple[Any, ...]:
    return tuple(t.shape), t.dtype


class _Frame:
    """One checkpointed call."""

    def __init__(self, run: Callable[[], Any], modes: _Modes, context: Any, check: bool, early_stop: bool) -> None:
        self._run, self._modes, self._context, self._early_stop = run, modes, context, early_stop
        self._check = check
        self._holders: list[weakref.ref[_Holder]] = []
        self._saved: list[tuple[Any, ...]] = []  # what the first run saved

    def hooks(self) -> saved_tensors_hooks:
        return saved_tensors_hooks(self._pack, self._unpack)

    def _pack(self, t: Tensor) -> _Holder:
        holder = _Holder()
        self._holders.append(weakref.ref(holder))
        self._saved.append(_description(t))
        return holder

    def _unpack(self, holder: _Holder) -> Tensor:
        if holder.values is None:
            self._compute_again()
        assert holder.values is not None
        return holder.values

    def _compute_again(self) -> None:
        again: list[tuple[Any, ...]] = []

        def catch(t: Tensor) -> Tensor:
            at = len(again)
            again.append(_description(t))
            holder = self._holders[at]() if at < len(self._holders) else None
            if holder is not None:
                holder.values = t
            if self._early_stop and len(again) == len(self._holders):
                raise _Stop
            return t

        with self._modes.again(), self._context, saved_tensors_hooks(catch, lambda t: t), contextlib.suppress(_Stop):
            self._run()
        if len(again) != len(self._saved) or (self._check and again != self._saved):
            raise CheckpointError(
                f"checkpoint: expected the second run to save what the first did, {_shown(self._saved)}, got "
                f"{_shown(again)}\nhint: the function must do the same in both runs"
            )


def _shown(saved: list[tuple[Any, ...]]) -> str:
    some = ", ".join(f"{shape} {dtype}" for shape, dtype in saved[:6])
    return f"{len(saved)} tensors ({some}{', ...' if len(saved) > 6 else ''})"


_early_stop: list[bool] = [True]


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """A context that says whether second runs end as soon as all is there that backward needs.

    Args:
        enable: False: functions run to their end.

    Example:
        >>> import plait
        >>> from plait.utils import checkpoint as c
        >>> x = plait.ones(1, requires_grad=True)
        >>> with c.set_checkpoint_early_stop(False):
        ...     c.checkpoint(plait.exp, x).backward()
    """
    _early_stop.append(enable)
    try:
        yield
    finally:
        _early_stop.pop()


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing: the default of ``context_fn``."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Compute ``function(*args, **kwargs)`` without keeping what its backward needs.

    Backward computes the function again, with the same random numbers, so memory is traded for time. Results,
    gradients of any order and hooks are those of a plain call.

    Args:
        function: any function of tensors and other things; it may use parameters and tensors from outside. It must
            do the same when it is called again.
        args, kwargs: its arguments.
        use_reentrant: accepted; both ways are the same here.
        context_fn: returns two contexts, for the first and the second run.
        determinism_check: "default" compares shapes and dtypes of what both runs save, "none" their number alone.
        debug: accepted.
        early_stop: the second run ends as soon as all is there that backward needs. Default True.
        preserve_rng_state: draw the same random numbers in the second run (dropout). Default True.

    Returns:
        What the function returns.

    Raises:
        CheckpointError: (a RuntimeError, in backward) the second run saved other tensors.
        ValueError: an unknown ``determinism_check``.

    Source: Chen et al., "Training deep nets with sublinear memory cost", arXiv 1604.06174.

    Example:
        >>> import plait
        >>> from plait.utils.checkpoint import checkpoint
        >>> x = plait.ones(2, requires_grad=True)
        >>> checkpoint(lambda t: t.exp().sum(), x).backward()
        >>> bool((x.grad == x.detach().exp()).all())
        True
    """
    if determinism_check not in ("default", "none"):
        raise ArgumentError(
            f"checkpoint: expected determinism_check to be 'default' or 'none', got {determinism_check!r}"
        )
    if not _core.is_grad_enabled():
        return function(*args, **kwargs)
    kept = [_Input(a) if isinstance(a, Tensor) else a for a in args]
    kept_by_name = {k: _Input(v) if isinstance(v, Tensor) else v for k, v in kwargs.items()}

    def run() -> Any:
        arguments = [a.get() if isinstance(a, _Input) else a for a in kept]
        return function(*arguments, **{k: v.get() if isinstance(v, _Input) else v for k, v in kept_by_name.items()})

    first, second = context_fn()
    stops = early_stop and _early_stop[-1]
    frame = _Frame(run, _Modes(preserve_rng_state), second, determinism_check == "default", stops)
    with first, frame.hooks():
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Run modules one after the other in ``segments`` parts, each checkpointed but the last.

    Args:
        functions: an ``nn.Sequential`` or a list of modules or functions.
        segments: number of parts, from 1 to the number of functions.
        input: the argument of the first one.
        kwargs: ``preserve_rng_state``.
        use_reentrant: accepted; both ways are the same here.

    Returns:
        What the last function returned.

    Raises:
        ValueError: ``segments`` out of range.

    Example:
        >>> import plait
        >>> from plait.utils.checkpoint import checkpoint_sequential
        >>> x = plait.ones(2, requires_grad=True)
        >>> checkpoint_sequential([plait.exp, plait.log, plait.sum], 2, x).item()
        2.0
    """
    steps: Sequence[Callable[..., Any]] = list(functions)
    if not 1 <= segments <= len(steps):
        raise ArgumentError(f"checkpoint_sequential: expected segments in [1, {len(steps)}], got {segments}")

    def part(begin: int, end: int) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            for step in steps[begin:end]:
                x = step(x)
            return x

        return run

    size = len(steps) // segments
    for i in range(segments - 1):
        input = checkpoint(part(i * size, (i + 1) * size), input, **kwargs)
    return part((segments - 1) * size, len(steps))(input)
