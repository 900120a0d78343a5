# SPDX-License-Identifier: MIT
"""Nothing forgotten: every op has a spec, a docstring whose example runs, and a stub."""

from __future__ import annotations

import ast
import doctest
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from op_table import ALL_SPECS, MISSING, SPECS
from op_table.harness import Call, lookup
from op_table.spec import OpSpec

import plait
from plait import _core
from plait._docstrings import sections

SUBMODULES = ("linalg", "special", "fft")  # their ops begin with their names
ROOT = Path(__file__).parent.parent
TABLE = _core._op_table()
PUBLIC = [row for row in TABLE if set(row["where"]) & set("fmns")]
NAMES = sorted({row["name"] for row in PUBLIC})

# Ops whose tests are not driven by the table, and the file that has them.
TESTED_ELSEWHERE: dict[str, set[str]] = {
    "test_creation.py": {
        "arange", "empty", "empty_like", "eye", "full", "full_like", "linspace", "logspace", "ones", "ones_like",
        "zeros", "zeros_like", "tril_indices", "triu_indices", "copy_", "fill_", "zero_", "new_empty", "new_full",
        "new_ones", "new_zeros", "fill_diagonal_", "equal", "allclose",
        "empty_strided", "empty_permuted", "new_empty_strided",
        "range", "scalar_tensor", "fill", "to", "type_as", "item", "is_same_size",
    },
    "test_random.py": {
        "rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm", "normal", "normal_",
        "uniform_", "cauchy_", "geometric_", "log_normal_",
        "bernoulli", "bernoulli_", "multinomial", "exponential_", "random_",
    },
    "test_distributions_samples.py": {"poisson", "binomial"},
    "test_views.py": {
        "as_strided", "contiguous", "expand", "expand_as", "view", "view_as", "unfold", "mT", "T", "reshape_as",
        "as_strided_", "as_strided_copy", "view_copy",
    },
    "test_autograd.py": {"detach", "detach_"},
    "test_indexing.py": {"index_put", "index_put_"},
    "test_promotion.py": {"result_type"},
    "test_fft.py": {
        f"fft_{name}{dims}" for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft") for dims in ("", "2", "n")
    },
    "test_linalg.py": {"linalg_eig", "linalg_eigh", "linalg_eigvals", "linalg_svd", "svd"},
    "test_complex.py": {
        "angle", "complex", "conj", "conj_physical", "conj_physical_", "imag", "is_complex", "is_conj", "is_neg",
        "polar", "real", "resolve_conj", "resolve_neg", "sgn", "sgn_", "view_as_complex", "view_as_real",
    },
}  # fmt: skip


def documentation(name: str) -> str:
    return "\n\n".join(row["doc"] for row in TABLE if row["name"] == name)


def test_every_op_is_tested() -> None:
    specified = {op_name(s) for s in ALL_SPECS}
    elsewhere = set().union(*TESTED_ELSEWHERE.values())
    in_place = {n for n in NAMES if n.endswith("_") and n[:-1] in specified}
    assert not [n for n in NAMES if n not in specified | elsewhere | in_place]


def test_files_named_here_use_the_ops() -> None:
    for file, names in TESTED_ELSEWHERE.items():
        text = (Path(__file__).parent / file).read_text()
        missing = [
            n for n in sorted(names & set(NAMES)) if n.replace("linalg_", "linalg.").replace("fft_", "fft.") not in text
        ]
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


def submodule(name: str) -> Any:
    return getattr(plait, name.partition("_")[0], None)


def name_there(name: str, place: str) -> str:
    """An op of a submodule begins with the submodule's name."""
    return name.partition("_")[2] if place == "s" else name


def shown(name: str) -> list[Any]:
    """The objects that a user finds under the name of an op."""
    homes = {"f": plait, "m": plait.Tensor, "n": plait.nn.functional, "s": submodule(name)}
    places = {place for row in PUBLIC if row["name"] == name for place in row["where"]}
    found = [vars(home).get(name_there(name, place)) for place, home in homes.items() if place in places]
    return [op for op in found if type(op).__name__ == "Op"]


@pytest.mark.parametrize("name", NAMES)
def test_shown_docstring_has_every_section(name: str) -> None:
    """What help() shows has the arguments, the result and the errors, also where the table says nothing about them."""
    for op in shown(name):
        found = sections(op.__doc__.partition("\n\n")[2])
        missing = [p for p in inspect.signature(op).parameters if p.rstrip("_") not in "\n".join(found.get("Args", ""))]
        assert not missing, f"{name}: no word about {missing}"
        assert found["Returns"] and found["Raises"], op.__doc__


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
        if "s" in row["where"]:
            assert hasattr(submodule(name), name_there(name, "s")), f"{submodule(name)} of {name}"


def test_public_names_are_listed() -> None:
    listed = set(plait.__all__)
    for row in PUBLIC:
        if "f" in row["where"]:
            assert row["name"] in listed, row["name"]
    for name in plait.__all__:
        assert hasattr(plait, name), name


def stub_names() -> set[str]:
    package = Path(plait.__file__).parent
    stubs = {
        package / "_core.pyi": "",
        package / "nn" / "functional" / "_native.pyi": "",
        **{package / name / "_native.pyi": f"{name}_" for name in SUBMODULES},
    }
    return {
        prefix + node.name
        for path, prefix in stubs.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }


def test_every_op_has_a_stub() -> None:
    stubs = stub_names()
    assert not [n for n in NAMES if n not in stubs]


# ---- One point on the way to every kernel ----

HOMES = {"f": _core, "m": plait.Tensor, "n": _core._nn, "p": _core._ops}


def test_callables_come_from_the_table() -> None:
    """Wherever an op is visible, the callable is one made from the table."""
    for row in TABLE:
        homes = HOMES | {"s": getattr(_core, "_" + row["name"].partition("_")[0], None)}
        for where in set(row["where"]) & set(homes):
            op = vars(homes[where])[name_there(row["name"], where)]
            assert type(op).__name__ == "Op", f"{row['name']} as {where!r}"


def calls(run: Callable[[], object]) -> list[str]:
    """The names of the ops that Python calls while ``run`` runs."""
    _core._record_calls(True)
    try:
        run()
    finally:
        names = _core._record_calls(False)
    return names


def op_name(spec: OpSpec) -> str:
    """The name in the table."""
    return spec.name.replace(".", "_") if spec.name.startswith(SUBMODULES) else spec.name.rsplit(".", 1)[-1]


@pytest.mark.parametrize("spec", [s for s in SPECS if type(lookup(s.name)).__name__ == "Op"], ids=lambda s: s.id)
def test_every_form_is_seen(spec: OpSpec) -> None:
    """Function, method, out= and in-place form pass the one point under their own names."""
    call = Call(spec, next(iter(spec.samples(spec.gen()))), spec.dtypes[0])
    name = op_name(spec)
    assert calls(call) == [name]
    first, *rest = call.args or (None,)
    if "m" in spec.variants and isinstance(first, plait.Tensor):
        method = spec.method or name
        assert calls(lambda: getattr(first, method)(*rest, **call.kwargs)) == [method]
    if "o" in spec.variants:
        out = call()
        assert calls(lambda: call(partial(lookup(spec.name), out=out))) == [name]
    if "i" in spec.variants and isinstance(first, plait.Tensor) and call().shape == first.shape:
        target = first.clone()
        assert calls(lambda: getattr(target, name + "_")(*rest, **call.kwargs)) == [name + "_"]


def test_operators_are_seen() -> None:
    x, n = plait.tensor([1.0, 2.0]), plait.tensor([1, 2])
    assert calls(lambda: (x + x, 1 - x, x * 2, x / x, x // 2, x % 2, x**2, x @ x)) == [
        "add", "sub", "mul", "div", "floor_divide", "remainder", "pow", "matmul",
    ]  # fmt: skip
    assert calls(lambda: (n & n, n | n, n ^ 1, n << 1, n >> 1, ~n, -n, +n, abs(n))) == [
        "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "bitwise_not", "neg",
        "positive", "abs",
    ]  # fmt: skip
    assert calls(lambda: (x < x, x <= 1, x == x, x != x, x > x, x >= x)) == ["lt", "le", "eq", "ne", "gt", "ge"]

    def in_place() -> None:
        nonlocal x
        x += 1
        x *= 2
        x -= 1
        x /= 3

    assert calls(in_place) == ["add_", "mul_", "sub_", "div_"]


def test_indexing_is_seen() -> None:
    x = plait.arange(12).reshape(3, 4)
    mask, rows = x > 3, plait.tensor([0, 2])
    assert calls(lambda: x[1]) == ["select"]
    assert calls(lambda: x[..., 1:3]) == ["_slice"]
    assert calls(lambda: x[None, 0]) == ["unsqueeze", "select"]
    assert calls(lambda: x[...]) == ["_alias"]
    assert calls(lambda: (x[mask], x[rows, 1:])) == ["_index", "_slice", "_index"]

    def write() -> None:
        x[0] = 1
        x[mask] = 2

    assert calls(write) == ["select", "copy_", "index_put_"]


def test_no_op_asks_for_grad_mode() -> None:
    """Which form of backward runs is the node's choice; only autograd/ and its installer know the runtime table."""
    for file in sorted((ROOT / "cpp/ops").rglob("*.*")):
        source = file.read_text()
        assert "grad_enabled" not in source, f"{file}: declare fused_backward and backward instead"
        assert "autograd_runtime()" not in source or file.name == "autograd_runtime.cpp", f"{file}: call the op"


def test_the_package_imports_itself_relatively() -> None:
    root = Path(plait.__file__).parent
    other_names = [root / "compat" / name for name in ("torch", "tensorflow", "functorch.py")]  # imported as these
    for file in root.rglob("*.py"):
        if any(file.is_relative_to(other) for other in other_names):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert "plait" not in [name.split(".")[0] for name in names], f"{file}:{node.lineno}"
