# SPDX-License-Identifier: MIT
"""A context for processes with uneven numbers of batches. One process has no other to wait for."""

from __future__ import annotations

from typing import Any

__all__ = ["Join", "JoinHook", "Joinable"]


class JoinHook:
    """What a process does that has no batches left, while others have: nothing."""

    def main_hook(self) -> None:
        """Once for each batch of the others."""

    def post_hook(self, is_last_joiner: bool) -> None:
        """When all are done."""


class Joinable:
    """What takes part in :class:`Join`."""

    def join_hook(self, **options: Any) -> JoinHook:
        """What to do meanwhile."""
        return JoinHook()


class Join:
    """The context; at its end the hooks of what takes part are called, as by the last process."""

    def __init__(
        self, joinables: list[Any], enable: bool = True, throw_on_early_termination: bool = False, **options: Any
    ) -> None:
        self._hooks = [j.join_hook(**options) for j in joinables if isinstance(j, Joinable)] if enable else []

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        for hook in self._hooks if kind is None else ():
            hook.post_hook(True)

    @staticmethod
    def notify_join_context(joinable: Any) -> None:
        """None: nobody is told."""
