# SPDX-License-Identifier: MIT
"""The graph as Python sees it: nodes, handles of hooks, and what is kept for backward."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from .. import _core
from .._core import ArgumentError, Node, Tensor
from .._hooks import RemovableHandle

__all__ = [
    "GradientEdge",
    "Node",
    "RemovableHandle",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class GradientEdge(NamedTuple):
    """The node and result number through which a gradient flows.

    Attributes:
        node: the step of backward; None for a tensor that takes no part in the graph.
        output_nr: which of the results of its op it is.

    Example:
        >>> import plait
        >>> plait.autograd.graph.GradientEdge(None, 0).node is None
        True
    """

    node: Node | None
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The node and result number through which the gradient of ``tensor`` flows.

    Example:
        >>> import plait
        >>> x = plait.ones(2, requires_grad=True)
        >>> node, number = plait.autograd.graph.get_gradient_edge(x * 2)
        >>> node.name(), number
        ('MulBackward0', 0)
    """
    return GradientEdge(tensor.grad_fn, tensor.output_nr)


class saved_tensors_hooks:
    """Inside the block, replace what ops keep for backward by what a function makes of it.

    Used to keep less memory, on disk for example. Blocks may be nested: the innermost is in force.

    Args:
        pack_hook: called with each tensor that an op saves; returns anything.
        unpack_hook: called with that when backward needs the tensor; returns a tensor with the same values.

    Example:
        >>> import plait
        >>> x = plait.ones(2, requires_grad=True)
        >>> with plait.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), plait.tensor):
        ...     y = (x * x).sum()
        >>> y.backward()
        >>> x.grad
        tensor([2., 2.])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _core._push_saved_tensor_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *args: object) -> None:
        _core._pop_saved_tensor_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keep copies of what ops save for backward: on CPUs the memory is where it was.

    Later changes in place of the saved tensors then do no harm.

    Args:
        pin_memory: accepted and ignored.
        device_type: accepted and ignored.

    Example:
        >>> import plait
        >>> x = plait.ones(2, requires_grad=True)
        >>> with plait.autograd.graph.save_on_cpu():
        ...     y = (x * x).sum()
        >>> y.backward()
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: t.clone(), lambda t: t)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside the block, :class:`saved_tensors_hooks` raise RuntimeError.

    Args:
        error_message: what the error says.

    Returns:
        A context manager.

    Example:
        >>> import plait
        >>> with plait.autograd.graph.disable_saved_tensors_hooks("not here"):
        ...     y = plait.ones(2, requires_grad=True) * 2
    """
    _core._refuse_saved_tensor_hooks(error_message)
    try:
        yield
    finally:
        _core._allow_saved_tensor_hooks()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all"
) -> RemovableHandle:
    """Call ``fn`` in backward when the gradients of several tensors are known.

    Args:
        tensors: tensors that require grad.
        fn: with ``mode="all"`` called with the list of all gradients, None for those that backward does not reach, when
            the last of those it reaches is known; with ``"any"`` called with the first gradient.
        mode: ``"all"`` or ``"any"``. Default: ``"all"``.

    Returns:
        A handle with ``remove()``.

    Raises:
        ValueError: another mode, or no tensors.

    Example:
        >>> import plait
        >>> a, b = (plait.ones(2, requires_grad=True) for _ in range(2))
        >>> seen = []
        >>> handle = plait.autograd.graph.register_multi_grad_hook((a, b), lambda gs: seen.append(len(gs)))
        >>> (a * b).sum().backward()
        >>> seen
        [2]
    """
    if mode not in ("all", "any"):
        raise ArgumentError(f"register_multi_grad_hook: expected mode 'all' or 'any', got {mode!r}")
    if not tensors:
        raise ArgumentError("register_multi_grad_hook: expected at least one tensor")
    return _MultiGradHook(list(tensors), fn, mode).handle


class _MultiGradHook:
    """Counts the gradients of one backward pass; which ones it reaches is asked of the graph once."""

    def __init__(self, tensors: list[Tensor], fn: Callable[..., None], mode: str) -> None:
        self.fn, self.mode, self.n = fn, mode, len(tensors)
        self.lock = threading.Lock()
        self.run: int | None = None
        self.seen: list[Tensor | None] = []
        self.left = 0
        self.edges = [get_gradient_edge(t) for t in tensors]
        self.tensors = tensors
        handles = [t.register_hook(self._hook(i)) for i, t in enumerate(tensors)]
        self.handle = handles[0]
        remove = [h.remove for h in handles]
        self.handle.remove = lambda: [f() for f in remove] and None  # type: ignore[method-assign]

    def _hook(self, index: int) -> Callable[[Tensor], None]:
        def arrived(gradient: Tensor) -> None:
            with self.lock:
                run = _core._backward_run()
                if run != self.run:
                    self.run, self.seen = run, [None] * self.n
                    self.left = 1 if self.mode == "any" else sum(_core._backward_reaches(t) for t in self.tensors)
                self.seen[index] = gradient
                self.left -= 1
                done = self.left == 0
            if done:
                self.fn(gradient if self.mode == "any" else list(self.seen))

        return arrived


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Count a change in place that the library has not seen, so that backward notices it.

    Args:
        tensor: the changed tensor, or several.

    Example:
        >>> import plait
        >>> x = plait.ones(2)
        >>> plait.autograd.graph.increment_version(x)
        >>> x._version
        1
    """
    for t in [tensor] if isinstance(tensor, Tensor) else tensor:
        _core._bump_version(t)
