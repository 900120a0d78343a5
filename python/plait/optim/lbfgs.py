# SPDX-License-Identifier: MIT
"""Limited-memory BFGS with an optional strong-Wolfe line search."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from .. import _core
from .._core import ArgumentError, Tensor
from ..autograd.grad_mode import enable_grad, no_grad
from ._hyperparameters import at_least, given, one_of
from .optimizer import Optimizer, ParamsT

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """A quasi-Newton method for full batches: the direction comes from the last gradients and steps.

    It keeps ``2 * history_size`` vectors of the length of all parameters together and calls the closure
    several times a step. There is one parameter group only.

    Args:
        params: parameters.
        lr: learning rate (with a line search: its first trial), default 1.
        max_iter: iterations per step, default 20.
        max_eval: evaluations of the closure per step, default 1.25 * max_iter.
        tolerance_grad: stop when no element of the gradient is larger, default 1e-7.
        tolerance_change: stop when the loss or the parameters change less, default 1e-9.
        history_size: pairs of vectors kept, default 100.
        line_search_fn: None or "strong_wolfe".

    Raises:
        ValueError: more than one group, or a hyperparameter out of range.

    Source: Nocedal and Wright, "Numerical optimization", 2nd edition, algorithms 7.4, 3.5 and 3.6.

    Example:
        >>> import plait
        >>> w = plait.zeros(2, requires_grad=True)
        >>> target = plait.tensor([1.0, -2.0])
        >>> opt = plait.optim.LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     opt.zero_grad()
        ...     loss = ((w - target) ** 2).sum()
        ...     loss.backward()
        ...     return loss
        >>> _ = opt.step(closure)
        >>> [round(x, 4) for x in w.tolist()]
        [1.0, -2.0]
    """

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "line_search_fn": one_of(None, "strong_wolfe"),
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        super().__init__(params, given(locals()))
        if len(self.param_groups) != 1:
            raise ArgumentError(f"LBFGS: expected one parameter group, got {len(self.param_groups)}")
        self._params: list[Tensor] = self.param_groups[0]["params"]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]

    # ---- all parameters as one vector -------------------------------------------------------------------

    def _flat_grad(self) -> Tensor:
        parts = [_core.zeros_like(p) if p.grad is None else p.grad for p in self._params]
        return _core.cat([g.detach().reshape(-1) for g in parts])

    def _move(self, t: float, d: Tensor) -> None:
        """p = p + t * d."""
        offset = 0
        for p in self._params:
            n = p.numel()
            p.add_(d[offset : offset + n].view(p.shape), alpha=t)
            offset += n

    def _direction(self, state: dict[str, Any], flat_grad: Tensor) -> Tensor:
        """-H * gradient by the two-loop recursion over the pairs (y, s) kept so far."""
        ys, ss, ro = state["old_dirs"], state["old_stps"], state["ro"]
        q = -flat_grad
        al = [0.0] * len(ys)
        for i in reversed(range(len(ys))):
            al[i] = float(ss[i].dot(q)) * ro[i]
            q.add_(ys[i], alpha=-al[i])
        q.mul_(state["H_diag"])
        for i in range(len(ys)):
            q.add_(ss[i], alpha=al[i] - float(ys[i].dot(q)) * ro[i])
        return q

    def _remember(self, state: dict[str, Any], flat_grad: Tensor, history_size: int) -> None:
        """Add the pair y (change of the gradient), s (last step), if the curvature y . s is positive."""
        y = flat_grad - state["prev_flat_grad"]
        s = state["d"] * state["t"]
        curvature = float(y.dot(s))
        if curvature <= 1e-10:
            return
        kept = (state["old_dirs"], state["old_stps"], state["ro"])
        for history, new in zip(kept, (y, s, 1.0 / curvature)):
            if len(history) == history_size:
                history.pop(0)
            history.append(new)
        state["H_diag"] = curvature / float(y.dot(y))

    # ---- the step ---------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Run up to ``max_iter`` iterations.

        Args:
            closure: clears the gradients, computes the loss, calls ``backward`` and returns the loss.

        Returns:
            The loss at the start.
        """
        group = self.param_groups[0]
        lr, max_iter = float(group["lr"]), group["max_iter"]
        tolerance_change = group["tolerance_change"]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        last_loss: Any = None

        def evaluate() -> tuple[float, Tensor]:
            nonlocal last_loss
            with enable_grad():
                last_loss = closure()
            return float(last_loss), self._flat_grad()

        with no_grad():
            loss, flat_grad = evaluate()
            first_loss = last_loss
            evals = 1
            if _largest(flat_grad) <= group["tolerance_grad"]:
                state["func_evals"] += evals
                return first_loss
            for iteration in range(1, max_iter + 1):
                state["n_iter"] += 1
                if state["n_iter"] == 1:
                    state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
                    d = -flat_grad
                    t = min(1.0, 1.0 / float(flat_grad.abs().sum())) * lr
                else:
                    self._remember(state, flat_grad, group["history_size"])
                    d = self._direction(state, flat_grad)
                    t = lr
                prev_loss = loss
                state.update(d=d, prev_flat_grad=flat_grad.clone(), prev_loss=prev_loss, t=t)
                slope = float(flat_grad.dot(d))
                if slope > -tolerance_change:
                    break
                if group["line_search_fn"] is not None:
                    loss, flat_grad, t, used = self._line_search(evaluate, t, d, loss, flat_grad, slope)
                    state["t"] = t
                    self._move(t, d)
                    evals += used
                else:
                    self._move(t, d)
                    if iteration != max_iter:
                        loss, flat_grad = evaluate()
                        evals += 1
                if (
                    evals >= group["max_eval"]
                    or _largest(flat_grad) <= group["tolerance_grad"]
                    or _largest(d) * t <= tolerance_change
                    or abs(loss - prev_loss) < tolerance_change
                ):
                    break
            state["func_evals"] += evals
        return first_loss

    def _line_search(
        self,
        evaluate: Callable[[], tuple[float, Tensor]],
        t: float,
        d: Tensor,
        loss: float,
        flat_grad: Tensor,
        slope: float,
    ) -> tuple[float, Tensor, float, int]:
        start = [p.detach().clone() for p in self._params]

        def at(step: float) -> _Point:
            self._move(step, d)
            value, grad = evaluate()
            for p, x in zip(self._params, start):
                p.copy_(x)
            return _Point(step, value, grad, float(grad.dot(d)))

        best, used = _strong_wolfe(at, _Point(0.0, loss, flat_grad, slope), t, _largest(d))
        return best.loss, best.grad, best.t, used


class _Point(NamedTuple):
    """A trial on the line: position, loss, gradient, slope along the line."""

    t: float
    loss: float
    grad: Tensor
    slope: float


def _largest(x: Tensor) -> float:
    return float(x.abs().max())


def _cubic_minimum(a: _Point, b: _Point, low: float, high: float) -> float:
    """Where the cubic through the values and slopes of a and b is least, kept in [low, high]."""
    if a.t > b.t:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    denominator = b.slope - a.slope + 2 * d2
    if denominator == 0:
        return (low + high) / 2
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / denominator)
    return min(max(t, low), high)


def _inside(a: _Point, b: _Point, stalled: bool) -> tuple[float, bool]:
    """The next trial between a and b, and whether it lies too close to an end, as the last one did if ``stalled``."""
    low, high = min(a.t, b.t), max(a.t, b.t)
    t = _cubic_minimum(a, b, low, high)
    margin = 0.1 * (high - low)
    if not min(high - t, t - low) < margin:
        return t, False
    # Too close to an end twice in a row means slow progress: step inside.
    if stalled or t >= high or t <= low:
        return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
    return t, True


def _strong_wolfe(
    at: Callable[[float], _Point],
    origin: _Point,
    t: float,
    d_norm: float,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance: float = 1e-9,
    max_trials: int = 25,
) -> tuple[_Point, int]:
    """A point with enough decrease (c1) and a flat enough slope (c2), and the number of evaluations."""

    def too_high(p: _Point) -> bool:
        return p.loss > origin.loss + c1 * p.t * origin.slope

    def flat(p: _Point) -> bool:
        return abs(p.slope) <= -c2 * origin.slope

    # Widen until two points enclose a minimum.
    previous, current = origin, at(t)
    trials = 0
    while trials < max_trials:
        if too_high(current) or (trials > 1 and current.loss >= previous.loss):
            break
        if flat(current):
            return current, trials + 1
        if current.slope >= 0:
            break
        low, high = current.t + 0.01 * (current.t - previous.t), current.t * 10
        t = _cubic_minimum(previous, current, low, high)
        previous, current = current, at(t)
        trials += 1
    else:
        previous = origin

    # Narrow the bracket; `best` is its end with the smaller loss.
    best, other = (previous, current) if previous.loss <= current.loss else (current, previous)
    stalled = False
    while trials < max_trials and abs(best.t - other.t) * d_norm >= tolerance:
        t, stalled = _inside(best, other, stalled)
        trial = at(t)
        trials += 1
        if too_high(trial) or trial.loss >= best.loss:
            other = trial
        else:
            if flat(trial):
                return trial, trials + 1
            if trial.slope * (other.t - best.t) >= 0:
                other = best
            best = trial
        if other.loss < best.loss:
            best, other = other, best
    return best, trials + 1
