# SPDX-License-Identifier: MIT
"""What the programs that balance a pole share: gymnasium's carts, driving them, and the figure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from matplotlib import pyplot as plt

import plait as torch

from _report import STYLE

Chooser = Callable[[torch.Tensor], torch.Tensor]  # of position, speed, angle, angular speed (..., 4): one number each


def carts(count: int) -> Any:
    """`count` carts side by side; one whose pole fell starts anew in the same step."""
    same_step = {"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}
    return gymnasium.make_vec("CartPole-v1", num_envs=count, vectorization_mode="sync", vector_kwargs=same_step)


def drive(push: Chooser, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` carts for an episode: their returns, and the first one's states."""
    world = carts(count)
    state, _ = world.reset(seed=seed)
    returns, running, states = np.zeros(count), np.ones(count, dtype=bool), []
    while running.any():
        with torch.no_grad():
            pushes = push(torch.tensor(state))
        if running[0]:
            states.append(state[0].copy())
        state, rewards, fell, cut, _ = world.step(pushes.numpy())
        returns += rewards * running
        running &= ~(fell | cut)
    return returns, np.stack(states)


def draw(
    path: Path,
    episodes: list[tuple[int, float]],
    title: str,
    to_right: Chooser,
    before: np.ndarray,
    after: np.ndarray,
) -> None:
    """Returns over time, `to_right` (0 to 1) over the angle and its speed, and two episodes' states."""
    with plt.rc_context(STYLE), torch.no_grad():
        figure = plt.figure(figsize=(12, 6.4), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=[1.6, 1])
        curve, plane = upper.subplots(1, 2)
        when, returns = np.array(episodes).T
        curve.scatter(when, returns, s=6, color="#9db8dd", label="an episode")
        width = min(20, len(returns))
        means = np.convolve(returns, np.ones(width) / width, "valid")
        curve.plot(when[width - 1 :], means, color="#1f5fbf", lw=2, label=f"mean of {width}")
        curve.axhline(475, color="#8a94a6", linestyle="--", label="475: solved")
        curve.set_title("Return: steps until the pole falls, at most 500")
        curve.set_xlabel("pushes")
        curve.legend(loc="best", frameon=True, framealpha=0.9, edgecolor="none")

        angle, speed = np.meshgrid(np.linspace(-0.2, 0.2, 80), np.linspace(-2, 2, 80))
        points = np.stack([0 * angle, 0 * angle, angle, speed], axis=-1).astype(np.float32)
        extent = (-11.5, 11.5, -2, 2)
        chance = to_right(torch.tensor(points)).numpy()
        shade = plane.imshow(chance, origin="lower", extent=extent, aspect="auto", cmap="RdBu", vmin=-0.3, vmax=1.3)
        plane.set_title(title)
        plane.set_xlabel("angle of the pole, degrees (right is positive)")
        plane.set_ylabel("its speed, rad/s")
        plane.grid(False)
        upper.colorbar(shade, ax=plane, boundaries=np.linspace(0, 1, 101), ticks=[0, 0.5, 1])

        for axes, column, name in zip(
            lower.subplots(1, 2), (2, 0), ("Angle of the pole, degrees", "Place of the cart"), strict=True
        ):
            for states, colour, label in ((before, "#c0392b", "untrained: falls"), (after, "#1f5fbf", "trained")):
                axes.plot(np.degrees(states[:, 2]) if column == 2 else states[:, 0], color=colour, label=label)
            axes.set_title(name)
            axes.set_xlabel("step")
            axes.legend(loc="best")
        figure.savefig(path, dpi=90)
        plt.close(figure)
