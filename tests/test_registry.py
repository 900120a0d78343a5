# SPDX-License-Identifier: MIT
"""Nothing forgotten: every op has a spec, a docstring whose example runs, and a stub."""

from __future__ import annotations

import ast
import doctest
from pathlib import Path

import pytest
from op_table import ALL_SPECS, MISSING

import plait
from plait import _core

TABLE = _core._op_table()
PUBLIC = [row for row in TABLE if set(row["where"]) & set("fmn")]
NAMES = sorted({row["name"] for row in PUBLIC})

# Ops whose tests are not driven by the table, and the file that has them.
TESTED_ELSEWHERE: dict[str, set[str]] = {
    "test_creation.py": {
        "arange", "empty", "empty_like", "eye", "full", "full_like", "linspace", "logspace", "ones", "ones_like",
        "zeros", "zeros_like", "tril_indices", "triu_indices", "copy_", "fill_", "zero_", "new_empty", "new_full",
        "new_ones", "new_zeros", "fill_diagonal_", "equal", "allclose",
        "empty_strided", "range", "scalar_tensor", "fill", "to", "type_as", "item", "is_same_size",
    },
    "test_random.py": {
        "rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm", "normal", "normal_",
        "uniform_", "cauchy_", "geometric_", "log_normal_",
        "bernoulli", "bernoulli_", "multinomial", "exponential_", "random_",
    },
    "test_views.py": {
        "as_strided", "contiguous", "expand", "expand_as", "view", "view_as", "unfold", "mT", "T", "reshape_as",
    },
    "test_autograd.py": {"detach", "detach_"},
    "test_indexing.py": {"index_put", "index_put_"},
}  # fmt: skip


def documentation(name: str) -> str:
    return "\n\n".join(row["doc"] for row in TABLE if row["name"] == name)


def test_every_op_is_tested() -> None:
    specified = {s.name.rsplit(".", 1)[-1] for s in ALL_SPECS}
    elsewhere = set().union(*TESTED_ELSEWHERE.values())
    in_place = {n for n in NAMES if n.endswith("_") and n[:-1] in specified}
    assert not [n for n in NAMES if n not in specified | elsewhere | in_place]


def test_files_named_here_use_the_ops() -> None:
    for file, names in TESTED_ELSEWHERE.items():
        text = (Path(__file__).parent / file).read_text()
        missing = [n for n in sorted(names & set(NAMES)) if n not in text]
        assert not missing, f"{file}: {missing}"


def test_every_spec_has_an_op() -> None:
    assert not MISSING


@pytest.mark.parametrize("name", NAMES)
def test_docstring(name: str) -> None:
    text = documentation(name)
    summary = text.strip().splitlines()[0] if text.strip() else ""
    assert summary, f"{name} has no docstring"
    assert len(text.split()) >= 5, f"{name}: {text!r}"
    if not name.endswith("_"):
        assert ">>>" in text, f"{name}: no example"


@pytest.mark.parametrize("name", [n for n in NAMES if ">>>" in documentation(n)])
def test_example(name: str) -> None:
    """Examples run as doctests."""
    plait.manual_seed(0)
    names = {"plait": plait, "F": plait.nn.functional, "nn": plait.nn}
    parser = doctest.DocTestParser()
    test = parser.get_doctest(documentation(name), names, name, None, 0)
    output: list[str] = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    doctest.DocTestRunner(optionflags=flags).run(test, out=output.append)
    assert not output, "\n".join(output)


def test_visible_where_declared() -> None:
    for row in PUBLIC:
        name = row["name"]
        if "f" in row["where"]:
            assert hasattr(plait, name), f"plait.{name}"
        if "m" in row["where"]:
            assert hasattr(plait.Tensor, name), f"Tensor.{name}"
        if "n" in row["where"]:
            assert hasattr(plait.nn.functional, name), f"plait.nn.functional.{name}"


def test_public_names_are_listed() -> None:
    listed = set(plait.__all__)
    for row in PUBLIC:
        if "f" in row["where"]:
            assert row["name"] in listed, row["name"]
    for name in plait.__all__:
        assert hasattr(plait, name), name


def stub_names() -> set[str]:
    package = Path(plait.__file__).parent
    stubs = (package / "_core.pyi", package / "nn" / "functional" / "_native.pyi")
    nodes = [node for path in stubs for node in ast.walk(ast.parse(path.read_text()))]
    return {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def test_every_op_has_a_stub() -> None:
    stubs = stub_names()
    assert not [n for n in NAMES if n not in stubs]
