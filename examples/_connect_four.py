# SPDX-License-Identifier: MIT
"""Connect-four for many games at once: the rules on arrays of bits, two simple players, and matches.

A position is two numbers of 64 bits: the stones of the player to move, and all stones. Bit 7 * column + row is a
field; row 0 is the lowest, and row 6 stays empty, so that no line runs from one column into the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.patches import Circle

ROWS, COLUMNS = 6, 7
Bits = np.ndarray  # of uint64
Player = Callable[[Bits, Bits], np.ndarray]  # from positions (N,), as own and all stones, to columns (N,)

_ONE = np.uint64(1)
BOTTOM = _ONE << np.arange(0, 49, 7, dtype=np.uint64)
TOP = BOTTOM << np.uint64(ROWS - 1)
FULL = np.bitwise_or.reduce(BOTTOM * np.uint64(63))
# The bit of each field, with the highest row first, as a picture of the board has it.
FIELDS = np.array([[7 * column + row for column in range(COLUMNS)] for row in reversed(range(ROWS))], dtype=np.uint64)


def empty(games: int) -> tuple[Bits, Bits]:
    """The position before the first move, `games` times."""
    return np.zeros(games, np.uint64), np.zeros(games, np.uint64)


def position(moves: str) -> tuple[Bits, Bits]:
    """The position after moves given as digits, one row of it."""
    own, stones = empty(1)
    for move in moves:
        own, stones = play(own, stones, np.array([int(move)]))
    return own, stones


def legal(stones: Bits) -> np.ndarray:
    """Which columns have room: (N, 7)."""
    return (stones[:, None] & TOP) == 0


def has_four(own: Bits) -> np.ndarray:
    """Whether four of these stones lie in a line: up, across, or along a diagonal."""
    found = np.zeros(own.shape, bool)
    for step in (1, 7, 6, 8):
        pairs = own & (own >> np.uint64(step))
        found |= (pairs & (pairs >> np.uint64(2 * step))) != 0
    return found


def play(own: Bits, stones: Bits, columns: np.ndarray) -> tuple[Bits, Bits]:
    """The positions after a stone in `columns`, seen by the other player, who moves next."""
    return own ^ stones, stones | (stones + BOTTOM[columns])


def result(own: Bits, stones: Bits) -> tuple[np.ndarray, np.ndarray]:
    """Whether the game is over, and its value for the player to move: -1 (the other has four) or 0."""
    lost = has_four(own ^ stones)
    return lost | (stones == FULL), -lost.astype(np.float32)


def planes(own: Bits, stones: Bits) -> np.ndarray:
    """Positions as pictures (N, 2, 6, 7) of 0 and 1: own stones, the other's stones."""
    both = np.stack([own, own ^ stones], axis=1)
    return ((both[:, :, None, None] >> FIELDS) & _ONE).astype(np.float32)


def one_of(allowed: np.ndarray) -> np.ndarray:
    """One of the allowed columns of each row of (N, 7), by chance."""
    return np.where(allowed, np.random.random(allowed.shape), -1).argmax(axis=1)


def at_random(own: Bits, stones: Bits) -> np.ndarray:
    """Any column that has room."""
    return one_of(legal(stones))


def look_ahead(own: Bits, stones: Bits) -> np.ndarray:
    """A column that wins at once; else one that keeps the other from winning at once; else any."""
    allowed = legal(stones)
    fields = stones[:, None] + BOTTOM & ~stones[:, None]  # the bit where a stone would come to lie
    wins = allowed & has_four(own[:, None] | fields)
    blocks = allowed & has_four((own ^ stones)[:, None] | fields)
    for better in (blocks, wins):
        allowed = np.where(better.any(axis=1, keepdims=True), better, allowed)
    return one_of(allowed)


def match(first: Player, second: Player, games: int) -> np.ndarray:
    """The results for `first` in `games` games, half of them opened by `second`: 1, 0 or -1."""
    own, stones = empty(games)
    results, running = np.zeros(games), np.arange(games)
    opens = np.arange(games) < games // 2
    for turn in range(ROWS * COLUMNS):
        columns, mine = np.empty(len(running), int), opens[running] == (turn % 2 == 0)
        for player, rows in ((first, mine), (second, ~mine)):
            if rows.any():
                columns[rows] = player(own[rows], stones[rows])
        own, stones = play(own, stones, columns)
        over, value = result(own, stones)
        results[running[over]] = np.where(mine, -value, value)[over]
        own, stones, running = own[~over], stones[~over], running[~over]
        if not len(running):
            break
    return results


def draw_board(axes: Any, title: str, own: Bits, stones: Bits) -> None:
    """A position as it is seen: blue for the player to move."""
    mine, others = planes(own, stones)[0]
    for (row, column), stone in np.ndenumerate(mine - others):
        colour = {1: "#1f5fbf", -1: "#c0392b", 0: "#ffffff"}[int(stone)]
        axes.add_patch(Circle((column, ROWS - 1 - row), 0.4, facecolor=colour, edgecolor="#c5ccd8"))
    axes.set(xlim=(-0.5, 6.5), ylim=(-0.5, 5.5), aspect="equal", xticks=[], yticks=[], facecolor="#eef1f6")
    axes.set_title(title)
    axes.grid(False)


def draw_chances(axes: Any, chances: dict[str, np.ndarray]) -> None:
    """Bars of two kinds of probabilities (1, 7), to stand under the board."""
    columns = np.arange(COLUMNS)
    for (name, heights), colour, shift in zip(chances.items(), ("#9db8dd", "#1f5fbf"), (-0.2, 0.2), strict=True):
        axes.bar(columns + shift, heights[0], 0.4, color=colour, label=name)
    axes.set(xlim=(-0.5, 6.5), ylim=(0, 1), xticks=columns, xticklabels=columns + 1, xlabel="column")
    axes.grid(axis="x", visible=False)
