# SPDX-License-Identifier: MIT
"""The default random-number generator: that of the process, in the workers of a DataLoader that of the worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._core import Generator, Tensor, _current_generator, default_generator

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


def manual_seed(seed: int) -> Generator:
    """Start the default generator from ``seed``; the same seed gives the same numbers at any number of threads.

    Args:
        seed: any int; it is taken modulo 2**64.

    Returns:
        The default generator.

    Example:
        >>> _ = plait.manual_seed(0)
        >>> a = plait.rand(2)
        >>> _ = plait.manual_seed(0)
        >>> bool((a == plait.rand(2)).all())
        True
    """
    return _current_generator().manual_seed(seed)


def seed() -> int:
    """Seed the default generator from the system's entropy and return the seed."""
    return _current_generator().seed()


def initial_seed() -> int:
    """The seed of the default generator."""
    return _current_generator().initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, a uint8 tensor."""
    return _current_generator().get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Continue from a state that ``get_rng_state`` gave.

    Args:
        new_state: what :func:`get_rng_state` returned.

    Example:
        >>> import plait
        >>> state = plait.get_rng_state()
        >>> a = plait.rand(2)
        >>> plait.set_rng_state(state)
        >>> plait.equal(plait.rand(2), a)
        True
    """
    _current_generator().set_state(new_state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cuda") -> Iterator[None]:
    """A block after which the default generator continues as if the block had drawn nothing.

    Args:
        devices: accepted for existing programs; there are no other devices.
        enabled: ``False`` makes the block an ordinary one. Default: ``True``.
        device_type: as ``devices``.

    Example:
        >>> _ = plait.manual_seed(0)
        >>> with plait.random.fork_rng():
        ...     a = plait.rand(2)
        >>> bool((a == plait.rand(2)).all())
        True
    """
    generator = _current_generator()
    state = generator.get_state()
    try:
        yield
    finally:
        if enabled:
            generator.set_state(state)
