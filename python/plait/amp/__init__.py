# SPDX-License-Identifier: MIT
"""Mixed precision, as far as programs for several devices expect it: on the CPU it changes nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..optim import Optimizer


__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


def is_autocast_available(device_type: str) -> bool:
    """Whether :class:`autocast` is meant for a device: for "cpu", where it changes nothing."""
    return str(device_type) == "cpu"


class autocast:
    """A context manager and decorator that changes nothing: ops compute in the dtypes of their operands.

    Args:
        device_type: "cpu"; "cuda" and others are accepted, since nothing runs there.
        dtype, enabled, cache_enabled: accepted.

    Example:
        >>> import plait
        >>> with plait.amp.autocast("cpu"):
        ...     y = plait.ones(2) * 2
        >>> y.dtype
        plait.float32
    """

    def __init__(
        self,
        device_type: str = "cpu",
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        self.device = str(device_type)
        self.fast_dtype = dtype
        self.enabled = enabled

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapper


def custom_fwd(function: Callable[..., Any] | None = None, **options: Any) -> Callable[..., Any]:
    """Decorate ``forward`` of an ``autograd.Function``, which changes nothing."""
    return function if function is not None else lambda f: f


def custom_bwd(function: Callable[..., Any] | None = None, **options: Any) -> Callable[..., Any]:
    """Decorate ``backward`` of an ``autograd.Function``, which changes nothing."""
    return function if function is not None else lambda f: f


class GradScaler:
    """The interface of a gradient scaler whose scale is always 1.

    float32 and bfloat16 need none. Gradients of float16 that are too small for it become 0, since nothing is scaled.

    Args:
        device, init_scale, growth_factor, backoff_factor, growth_interval, enabled: accepted.

    Example:
        >>> import plait
        >>> w = plait.ones(1, requires_grad=True)
        >>> opt = plait.optim.SGD([w], lr=0.5)
        >>> scaler = plait.amp.GradScaler()
        >>> scaler.scale((w * w).sum()).backward()
        >>> scaler.step(opt)
        >>> scaler.update()
        >>> w.tolist()
        [0.0]
    """

    def __init__(
        self,
        device: str = "cpu",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval

    def scale(self, outputs: Any) -> Any:
        """Return ``outputs`` as they are."""
        return outputs

    def unscale_(self, optimizer: Optimizer) -> None:
        """Do nothing."""

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """Return ``optimizer.step(*args, **kwargs)``."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Do nothing."""

    def is_enabled(self) -> bool:
        """False: nothing is scaled."""
        return False

    def get_scale(self) -> float:
        """1.0."""
        return 1.0

    def get_growth_factor(self) -> float:
        """The factor given."""
        return self._growth_factor

    def get_backoff_factor(self) -> float:
        """The factor given."""
        return self._backoff_factor

    def get_growth_interval(self) -> int:
        """The interval given."""
        return self._growth_interval

    def state_dict(self) -> dict[str, Any]:
        """An empty dict."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Do nothing."""
