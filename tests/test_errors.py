# SPDX-License-Identifier: MIT
"""Wrong calls: one clear error of the right class, and nothing changed."""

from __future__ import annotations

import pytest
from op_table import SPECS
from op_table.harness import Call, bad_calls, digest, lookup, show, tensors
from op_table.spec import BadCall, OpSpec

import plait

CALLS = [
    pytest.param(s, b, id=f"{s.id}-{i}", marks=[pytest.mark.tiny] if i == 0 else [])
    for s in SPECS
    for i, b in enumerate(bad_calls(s))
]


@pytest.mark.parametrize(("spec", "bad"), CALLS)
def test_errors(spec: OpSpec, bad: BadCall) -> None:
    call = Call(spec, bad.sample, bad.dtype)
    before = digest(tensors([call.args, list(call.kwargs.values())]))
    with pytest.raises(bad.error, match="(?s)" + bad.pattern):
        call()
    assert digest(tensors([call.args, list(call.kwargs.values())])) == before


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS])
def test_unexpected_arguments(spec: OpSpec) -> None:
    sample = next(iter(spec.samples(spec.gen())))
    call = Call(spec, sample, spec.dtypes[0])
    fn = lookup(spec.name)
    assert fn is not None
    with pytest.raises(TypeError):
        fn(*call.args, **call.kwargs, no_such_argument=1)
    with pytest.raises(TypeError):
        fn(object(), *call.args[1:], **call.kwargs)
    assert show(sample)


def test_shape_errors_are_runtime_errors_too() -> None:
    """PyTorch programs catch RuntimeError around shape errors."""
    with pytest.raises(RuntimeError):
        plait.ones(2, 3) @ plait.ones(4, 5)
    with pytest.raises(RuntimeError):
        plait.ones(2) + plait.ones(3)
    with pytest.raises(ValueError):
        plait.ones(2) + plait.ones(3)


def test_messages_name_the_op_first() -> None:
    with pytest.raises(ValueError, match=r"^matmul: "):
        plait.matmul(plait.ones(2, 3), plait.ones(4, 5))
    with pytest.raises(ValueError, match=r"^add: "):
        plait.add(plait.ones(2), plait.ones(3))
