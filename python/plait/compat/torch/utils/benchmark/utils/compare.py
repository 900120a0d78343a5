# SPDX-License-Identifier: MIT
"""Tables of measurements: rows by sub_label, columns by description, blocks by the number of threads."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

from .common import Measurement, ordered_unique, select_unit, trim_sigfig, unit_to_english

__all__ = ["Colorize", "Compare"]

_BEST = "\033[92m\033[1m"
_GOOD = "\033[34m\033[1m"
_BAD = "\033[2m\033[91m\033[1m"
_END = "\033[0m\033[0m"


class Colorize(enum.Enum):
    """Which times of a table are compared by colours."""

    NONE = "none"
    COLUMNWISE = "columnwise"
    ROWWISE = "rowwise"


class Compare:
    """A table of results, which prints itself.

    Args:
        results: of timers, with the same label where they stand in one table.
    """

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results: list[Measurement] = []
        self.extend_results(results)
        self._trim = False
        self._colorize = Colorize.NONE
        self._warn = False

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add results."""
        results = list(results)
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError(f"Compare: expected an instance of Measurement, got {type(result).__name__}")
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Show those digits alone that the spread of times leaves meaningful."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Colour the best and the worst of each column, or row."""
        self._colorize = Colorize.ROWWISE if rowwise else Colorize.COLUMNWISE

    def highlight_warnings(self) -> None:
        """Mark times that spread widely."""
        self._warn = True

    def print(self) -> None:
        """Print the table."""
        print(str(self))

    def __str__(self) -> str:
        merged = Measurement.merge(self._results)
        labels = ordered_unique(m.label for m in merged)
        return "\n".join(self._table([m for m in merged if m.label == label], label) for label in labels)

    def _table(self, results: list[Measurement], label: str | None) -> str:
        columns = ordered_unique(m.description for m in results)
        keys = ordered_unique((m.num_threads, m.env, m.as_row_name) for m in results)
        keys.sort(key=lambda key: key[0])
        unit, scale = select_unit(min(m.median for m in results))
        cells = {(m.num_threads, m.env, m.as_row_name, m.description): m for m in results}
        names = {key: f"{f'({key[1]})  ' if key[1] else ''}{key[2]}" for key in keys}
        texts = {place: self._number(m, scale) for place, m in cells.items()}
        widths = [
            max([len(column or ""), *(len(texts.get((*key, column), "")) for key in keys)]) + 2 for column in columns
        ]
        first = max(len(name) for name in names.values()) + 8
        lines = [" " * first + "".join(f"|{(c or '').center(w)}" for c, w in zip(columns, widths))]
        threads = None
        for key in keys:
            if key[0] != threads:
                threads = key[0]
                lines.append(f"{threads} threads: ".ljust(len(lines[0]), "-"))
            row = [self._cell(cells, texts, key, keys, column, columns, w) for column, w in zip(columns, widths)]
            lines.append(f"      {names[key]}".ljust(first) + "".join(row))
        title = f" {label} " if label else ""
        head = "[" + title.center(len(lines[0]) - 2, "-") + "]"
        foot = f"\nTimes are in {unit_to_english(unit)}s ({unit}).\n"
        if self._warn and any(m.has_warnings for m in results):
            foot += "(! XX%) Measurement has high variance, where XX is the IQR / median * 100.\n"
        return "\n".join([head, *lines]) + "\n" + foot

    def _number(self, m: Measurement, scale: float) -> str:
        value, digits = m.median / scale, 1
        if self._trim:
            value = trim_sigfig(value, m.significant_figures)
            digits = max(0, m.significant_figures - len(str(int(value))))
        text = f"{value:.{digits}f}"
        return f"{text} (! {m.iqr / m.median * 100:.0f}%)" if self._warn and m.has_warnings else text

    def _cell(
        self, cells: Any, texts: Any, key: Any, keys: list[Any], column: Any, columns: list[Any], width: int
    ) -> str:
        text = texts.get((*key, column), "").center(width)
        m = cells.get((*key, column))
        if m is None or self._colorize is Colorize.NONE:
            return "|" + text
        if self._colorize is Colorize.ROWWISE:
            peers = [cells[(*key, c)].median for c in columns if (*key, c) in cells]
        else:
            peers = [cells[(*k, column)].median for k in keys if k[0] == key[0] and (*k, column) in cells]
        ratio = m.median / min(peers)
        color = _BEST if ratio <= 1.05 else _GOOD if ratio <= 1.2 else _BAD if ratio >= 2 else ""
        return "|" + (color + text + _END if color else text)
