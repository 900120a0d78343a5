# SPDX-License-Identifier: MIT
"""Scaling of losses, so that gradients of float16 stay within its range."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .. import _core
from .._core import ArgumentError, Tensor
from .._warn import warn_user
from ..autograd.grad_mode import no_grad

if TYPE_CHECKING:
    from ..optim import Optimizer

__all__ = ["GradScaler", "OptState"]

_MAX_FLOAT32 = (2 - 2**-23) * 2.0**127


class OptState(enum.Enum):
    """How far an optimizer is in the present iteration."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


class _Iteration:
    """What the scaler knows of an optimizer since the last ``update()``."""

    def __init__(self) -> None:
        self.stage = OptState.READY
        self.found_inf: bool | None = None  # None: no gradient was looked at


class GradScaler:
    """A scaler: it multiplies losses by a scale, and divides gradients by it before the optimizer's step.

    A step whose gradients hold an infinity or NaN is left out, and the scale is lowered. After
    ``growth_interval`` steps without one it is raised.

    Args:
        device: "cpu"; for others, which are not there, it warns and does nothing.
        init_scale: the scale at first. Default 65536.
        growth_factor: what the scale is multiplied by when it grows. Default 2.
        backoff_factor: what it is multiplied by after an overflow. Default 0.5.
        growth_interval: steps without an overflow until it grows. Default 2000.
        enabled: False: ``step`` is the optimizer's, the other methods do nothing.

    Raises:
        ValueError: a factor out of range.

    Example:
        >>> import plait
        >>> w = plait.ones(1, requires_grad=True)
        >>> opt = plait.optim.SGD([w], lr=0.5)
        >>> scaler = plait.amp.GradScaler("cpu")
        >>> scaler.scale((w * w).sum()).backward()
        >>> scaler.step(opt)
        >>> scaler.update()
        >>> w.tolist()
        [0.0]
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = str(device)
        if enabled and self._device.partition(":")[0] != "cpu":
            warn_user(f"GradScaler: {self._device!r} is not available; nothing is scaled")
            enabled = False
        self._enabled = enabled
        if not enabled:
            return
        if growth_factor <= 1:
            raise ArgumentError(f"GradScaler: expected growth_factor > 1, got {growth_factor}")
        if backoff_factor >= 1:
            raise ArgumentError(f"GradScaler: expected backoff_factor < 1, got {backoff_factor}")
        self._init_scale = init_scale
        self._scale: Tensor | None = None  # made by the first scale()
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0
        self._iterations: dict[int, _Iteration] = {}

    def _of(self, optimizer: Optimizer) -> _Iteration:
        return self._iterations.setdefault(id(optimizer), _Iteration())

    def _known_scale(self, method: str) -> Tensor:
        if self._scale is None:
            raise RuntimeError(f"GradScaler.{method}: expected a call of scale(loss) before, got none")
        return self._scale

    def scale(self, outputs: Any) -> Any:
        """``outputs``, a tensor or an iterable of them, times the scale.

        Raises:
            ValueError: something else.
        """
        if not self._enabled:
            return outputs
        if self._scale is None:
            self._scale = _core.full((), self._init_scale, dtype=_core.float32)
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, Iterable) and not isinstance(outputs, (str, bytes)):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled  # type: ignore[call-arg]
        raise ArgumentError(f"GradScaler.scale: expected a Tensor or an iterable of them, got {type(outputs).__name__}")

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of the optimizer's parameters by the scale: to clip them before ``step``.

        Raises:
            RuntimeError: it was done in this iteration already.
            ValueError: float16 gradients, whose small values are lost already.
        """
        if not self._enabled:
            return
        state = self._of(optimizer)
        if state.stage is OptState.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state.stage is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        inverse = 1.0 / float(self._known_scale("unscale_"))
        found: bool | None = None
        with no_grad():
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    values = p.grad._values() if getattr(p.grad, "is_sparse", False) else p.grad
                    if values.dtype == _core.float16:
                        raise ArgumentError("Attempting to unscale FP16 gradients.")
                    found = bool(found) or not bool(_core.isfinite(values).all())
                    values.mul_(inverse)
        state.found_inf = found
        state.stage = OptState.UNSCALED

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """Unscale the gradients, if that is not done, and step unless one is infinite or NaN.

        Returns:
            What the optimizer's ``step`` returns; None if it is left out.

        Raises:
            RuntimeError: it was called in this iteration already, there is no gradient, or a closure is given.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        state = self._of(optimizer)
        if state.stage is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state.stage is OptState.READY:
            self.unscale_(optimizer)
        if state.found_inf is None:
            raise RuntimeError("GradScaler.step: expected parameters with gradients, got none")
        result = None if state.found_inf else optimizer.step(*args, **kwargs)
        state.stage = OptState.STEPPED
        return result

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """End the iteration: lower the scale after an overflow, raise it after enough steps without one.

        Args:
            new_scale: the scale to go on with, in place of both.

        Raises:
            RuntimeError: nothing was scaled, or no gradient unscaled, in this iteration.
        """
        if not self._enabled:
            return
        scale = self._known_scale("update")
        if new_scale is not None:
            scale.fill_(float(new_scale))
        else:
            found = [s.found_inf for s in self._iterations.values() if s.found_inf is not None]
            if not found:
                raise RuntimeError("GradScaler.update: expected a call of step() or unscale_() before, got none")
            if any(found):
                scale.mul_(self._backoff_factor)
                self._growth_tracker = 0
            else:
                self._count_success(scale)
        self._iterations.clear()

    def _count_success(self, scale: Tensor) -> None:
        self._growth_tracker += 1
        if self._growth_tracker < self._growth_interval:
            return
        self._growth_tracker = 0
        grown = float(scale) * self._growth_factor
        if math.isfinite(grown) and grown <= _MAX_FLOAT32:
            scale.fill_(grown)

    def is_enabled(self) -> bool:
        """Whether anything is scaled."""
        return self._enabled

    def get_scale(self) -> float:
        """The scale; 1.0 if nothing is scaled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale)

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by when it grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied by when it grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after an overflow."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied by after an overflow."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """Steps without an overflow until the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set the steps without an overflow until the scale grows."""
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """Scale, factors, interval, and steps since the last change; empty if nothing is scaled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state.

        Raises:
            RuntimeError: the state is that of a scaler that scales nothing.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("GradScaler.load_state_dict: expected the state of a scaler that is enabled, got {}")
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]
