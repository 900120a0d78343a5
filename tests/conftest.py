# SPDX-License-Identifier: MIT
"""Makes the helper packages of this folder importable, keeps process-wide settings from leaking, and chooses what runs.

``pytest`` checks an installation: every test, but few of the cases of each, and none marked slow. ``pytest --all`` runs
every case, and what is asked for by a path, a name or a mark (``pytest -k softsign``) runs whole too.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import plait

CASES = 3  # of each test in the quick selection
collect_ignore = ["ecosystem"]  # runs where its packages are, when it is asked for


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="every case of every test; nothing that is needed may be absent"
    )


def pytest_configure(config: pytest.Config) -> None:
    asked_for = [config.getoption(name, False) for name in ("all", "keyword", "markexpr", "lf")]
    config.option.quick = not any(asked_for) and config.args_source is not pytest.Config.ArgsSource.ARGS


def spread(count: int, kept: int) -> set[int]:
    """Positions of at most ``kept`` of ``count`` items at even distances, the first and the last among them."""
    return set(range(count)) if count <= kept else {i * (count - 1) // (kept - 1) for i in range(kept)}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.option.quick:
        return
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("slow") is None:
            cases[item.nodeid.partition("[")[0]].append(item)
    kept = {case for test in cases.values() for i, case in enumerate(test) if i in spread(len(test), CASES)}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    threads = plait.get_num_threads()
    dtype = plait.get_default_dtype()
    yield
    if plait.get_num_threads() != threads:
        plait.set_num_threads(threads)
    if plait.get_default_dtype() != dtype:
        plait.set_default_dtype(dtype)
    assert plait.is_grad_enabled(), "the test left gradients disabled"
