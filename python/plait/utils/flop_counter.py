# SPDX-License-Identifier: MIT
"""Operations of matrix products, convolutions, attention and recurrent layers, counted while a program runs."""

from __future__ import annotations

import math
from typing import Any

from .._core import Tensor
from ..nn.modules._hooks import register_module_forward_hook, register_module_forward_pre_hook
from ..overrides import TorchFunctionMode

__all__ = ["FlopCounterMode"]


def _product(a: Tensor, b: Tensor, result: Tensor) -> int:
    return 2 * result.numel() * a.shape[-1] if min(a.dim(), b.dim()) > 1 else 0


def _linear(x: Tensor, weight: Tensor, result: Tensor) -> int:
    return 2 * result.numel() * weight.shape[-1]


def _convolution(x: Tensor, weight: Tensor, result: Tensor) -> int:
    return 2 * result.numel() * math.prod(weight.shape[1:])


def _transposed(x: Tensor, weight: Tensor, result: Tensor) -> int:
    return 2 * x.numel() * math.prod(weight.shape[1:])


def _added(c: Tensor, a: Tensor, b: Tensor, result: Tensor) -> int:
    return 2 * math.prod(a.shape) * b.shape[-1]


def _einsum(equation: str, a: Tensor, b: Tensor, result: Tensor) -> int:
    """Of two operands: all indices together, if a sum is among them."""
    names = equation.replace(" ", "").partition("->")[0].split(",")
    if len(names) != 2 or "." in equation:
        return 0
    sizes = {**dict(zip(names[0], a.shape)), **dict(zip(names[1], b.shape))}
    return 2 * math.prod(sizes.values()) if math.prod(sizes.values()) > result.numel() else 0


def _attention(q: Tensor, k: Tensor, v: Tensor, result: Tensor) -> int:
    return 2 * math.prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])


def _multi_head(q: Tensor, k: Tensor, v: Tensor, result: Any) -> int:
    """Four projections, queries by keys, weights by values; of (length, batch, width)."""
    batch, width = (q.shape[1] if q.dim() == 3 else 1), q.shape[-1]
    per_place = 2 * width * (2 * q.shape[0] * width + k.shape[0] * k.shape[-1] + v.shape[0] * v.shape[-1])
    return batch * (per_place + 4 * q.shape[0] * k.shape[0] * width)


def _recurrent(gates: Tensor, weight: Tensor) -> int:
    """The states of all steps by the weight; the products with the input are calls of their own."""
    return 2 * gates.shape[0] * gates.shape[1] * weight.numel()


def _lstm(gates: Tensor, h0: Tensor, c0: Tensor, weight: Tensor, result: Any) -> int:
    return _recurrent(gates, weight)


def _gru(gates: Tensor, h0: Tensor, weight: Tensor, result: Any) -> int:
    return _recurrent(gates, weight)


_COUNTS: dict[str, Any] = {
    **dict.fromkeys(("matmul", "mm", "bmm", "__matmul__"), _product),
    "linear": _linear,
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    **dict.fromkeys(("addmm", "addbmm", "baddbmm"), _added),
    "einsum": _einsum,
    "scaled_dot_product_attention": _attention,
    "multi_head_attention_forward": _multi_head,
    "lstm": _lstm,
    "gru": _gru,
}


class FlopCounterMode(TorchFunctionMode):
    """Count while the context is open, also in ``backward``; two operations for a multiplication and an addition.

    The gradient of an operand takes as many as the call itself.

    Args:
        mods: accepted; all modules that are called have counts of their own.
        depth: how many levels of modules the table shows. Default: 2.
        display: whether to print the table at the end. Default: ``True``.
        custom_mapping: functions of (arguments..., out_val) by op, for ops that are not counted.

    Example:
        >>> from plait.utils.flop_counter import FlopCounterMode
        >>> with FlopCounterMode(display=False) as counter:
        ...     y = plait.ones(3, 8) @ plait.ones(8, 4)
        >>> counter.get_total_flops()
        192
    """

    def __init__(self, mods: Any = None, depth: int = 2, display: bool = True, custom_mapping: Any = None) -> None:
        self.depth, self.display = depth, display
        self.custom_mapping = custom_mapping or {}
        self.flop_counts: dict[str, dict[str, int]] = {}
        self._names: dict[int, str] = {}
        self._open: list[str] = ["Global"]
        self._active = False

    def get_total_flops(self) -> int:
        """The operations so far."""
        return sum(self.flop_counts.get("Global", {}).values())

    def get_flop_counts(self) -> dict[str, dict[str, int]]:
        """The operations by op, of each module and of all, "Global"."""
        return self.flop_counts

    def get_table(self, depth: int | None = None) -> str:
        """A table of modules with their operations and their share.

        Args:
            depth: how many levels of modules it shows. Default: the counter's own.

        Returns:
            The table's text.
        """
        depth, total = self.depth if depth is None else depth, self.get_total_flops()
        rows = [("Module", "FLOP", "% Total")]
        for name, counts in sorted(self.flop_counts.items(), key=lambda item: (item[0] != "Global", item[0])):
            level = 0 if name == "Global" else name.count(".") + 1
            if level <= depth:
                share = f"{100 * sum(counts.values()) / max(total, 1):.2f}%"
                rows.append((" " * level + name, str(sum(counts.values())), share))
        width = max(len(row[0]) for row in rows)
        return "\n".join(f"{name:{width}}  {count:>16}  {share:>8}" for name, count, share in rows)

    # ---- modules -------------------------------------------------------------------------------------------

    def _enter_module(self, module: Any, args: Any) -> None:
        if id(module) not in self._names:
            root = type(module).__name__
            for path, part in module.named_modules():
                self._names[id(part)] = f"{root}.{path}" if path else root
        self._open.append(self._names[id(module)])
        self.flop_counts.setdefault(self._open[-1], {})

    def _leave_module(self, module: Any, args: Any, output: Any) -> None:
        self._open.pop()

    def __enter__(self) -> Any:
        self.flop_counts = {"Global": {}}
        self._names.clear()
        self._open[:] = ["Global"]
        self._active = True
        self._hooks = (
            register_module_forward_pre_hook(self._enter_module),
            register_module_forward_hook(self._leave_module),
        )
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._active = False
        for hook in self._hooks:
            hook.remove()
        if self.display:
            print(self.get_table())

    # ---- calls ---------------------------------------------------------------------------------------------

    def _count(self, places: frozenset[str], op: str, flops: int) -> None:
        for place in places if self._active else ():
            counts = self.flop_counts[place]
            counts[op] = counts.get(op, 0) + flops

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name, places = getattr(func, "__name__", ""), frozenset(self._open)
        operands = [*args, *(kwargs or {}).values()]
        if func in self.custom_mapping:
            self._count(places, name, self.custom_mapping[func](*args, **(kwargs or {}), out_val=result))
        elif name in _COUNTS:
            flops = _COUNTS[name](*operands[: _COUNTS[name].__code__.co_argcount - 1], result)
            self._count(places, name, flops)
            self._count_backward(places, name, flops, operands, result)
        return result

    def _count_backward(self, places: frozenset[str], op: str, flops: int, operands: list[Any], result: Any) -> None:
        factors = [x for x in operands if isinstance(x, Tensor) and x.requires_grad]
        if op in ("linear", "addmm", "addbmm", "baddbmm") or op.startswith("conv"):  # what is added costs nothing
            first = 1 if op.startswith(("add", "badd")) else 0
            factors = [x for x in operands[first : first + 2] if x.requires_grad]
        elif op in ("lstm", "gru"):
            factors = [x for x in (operands[0], operands[3 if op == "lstm" else 2]) if x.requires_grad]
        out = result[0] if isinstance(result, tuple) else result
        if out.requires_grad and factors and flops:
            out.register_hook(lambda gradient: self._count(places, f"{op}_backward", flops * len(factors)))
