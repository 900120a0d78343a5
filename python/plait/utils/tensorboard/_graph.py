# SPDX-License-Identifier: MIT
"""The calls of a module's forward as a GraphDef, which TensorBoard draws.

A node is a call of an op; its name begins with the path of the module that makes it, so that modules are boxes. Its
inputs are the nodes that made its arguments: other calls, parameters, buffers and the inputs of the module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..._core import Tensor
from ...autograd import no_grad
from ...nn import Module
from ...overrides import TorchFunctionMode
from ._records import _bytes, _int

__all__ = ["graph"]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _node(name: str, op: str, inputs: list[str], results: list[Tensor], text: str = "") -> bytes:
    """A NodeDef: name 1, op 2, input 3, attr 5 (a map: key 1, AttrValue 2)."""
    shapes = b""
    for t in results:
        shapes += _bytes(7, b"".join(_bytes(2, _int(1, size)) for size in t.shape))  # TensorShapeProto.dim.size
    attributes = _bytes(5, _bytes(1, "_output_shapes") + _bytes(2, _bytes(1, shapes)))
    if text:
        attributes += _bytes(5, _bytes(1, "attr") + _bytes(2, _bytes(2, text)))
    return _bytes(1, _bytes(1, name) + _bytes(2, op) + b"".join(_bytes(3, i) for i in inputs) + attributes)


class _Recorder(TorchFunctionMode):
    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self.scopes: list[str] = []
        self._made: dict[int, tuple[str, Tensor]] = {}  # by id(); the tensor stays alive, and so the number its own
        self._names: Counter[str] = Counter()

    def add(self, name: str, op: str, arguments: Any, results: Any, text: str = "") -> str:
        self._names[name] += 1
        if self._names[name] > 1:
            name = f"{name}_{self._names[name] - 1}"
        inputs = [self._made[id(t)][0] for t in _tensors(arguments) if id(t) in self._made]
        made = list(_tensors(results))
        self.nodes.append(_node(name, op, inputs, made, text))
        self._made.update((id(t), (name, t)) for t in made)
        return name

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if any(True for _ in _tensors(result)):
            op = getattr(func, "__name__", "call").strip("_")
            rest = [repr(a) for a in args if isinstance(a, int | float | str | bool)]
            rest += [f"{k}={v!r}" for k, v in (kwargs or {}).items() if isinstance(v, int | float | str | bool)]
            self.add("/".join([*self.scopes, op]), op, [args, kwargs], result, ", ".join(rest))
        return result


def graph(model: Module, inputs: Any) -> bytes:
    """The GraphDef of ``model(*inputs)``."""
    recorder = _Recorder()
    root = type(model).__name__
    paths = {id(m): path for path, m in model.named_modules()}
    args = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    for i, value in enumerate(args):
        recorder.add(f"input/{i}", "IO Node", [], value)
    for path, value in [*model.named_parameters(), *model.named_buffers()]:
        recorder.add("/".join([root, *path.split(".")]), "Parameter", [], value)

    def enter(module: Module, arguments: Any) -> None:
        path = paths[id(module)]
        recorder.scopes[:] = [root, *path.split(".")] if path else [root]
        stack.append(list(recorder.scopes))

    def leave(module: Module, arguments: Any, result: Any) -> None:
        stack.pop()
        recorder.scopes[:] = stack[-1] if stack else []

    stack: list[list[str]] = []
    hooks = [m.register_forward_pre_hook(enter) for m in model.modules()]
    hooks += [m.register_forward_hook(leave) for m in model.modules()]
    training = model.training
    try:
        model.eval()
        with no_grad(), recorder:
            result = model(*args)
    finally:
        for hook in hooks:
            hook.remove()
        model.train(training)
    for i, value in enumerate(_tensors(result)):
        recorder.add(f"output/{i}", "IO Node", value, [])
    return b"".join(recorder.nodes) + _bytes(4, _int(1, 22))  # versions.producer
