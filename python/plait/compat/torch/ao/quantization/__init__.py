# SPDX-License-Identifier: MIT
"""The marks at which a network would be quantised; here they pass values on."""

from __future__ import annotations

from typing import Any

from plait.nn import Identity, Module

__all__ = ["DeQuantStub", "QuantStub"]


class QuantStub(Identity):
    """Where values would become integers; passes them on."""

    def __init__(self, qconfig: Any = None) -> None:
        super().__init__()


class DeQuantStub(QuantStub):
    """Where integers would become values again; passes them on."""


class QuantWrapper(Module):
    """A module between the two marks."""

    def __init__(self, module: Module) -> None:
        super().__init__()
        self.quant = QuantStub()
        self.dequant = DeQuantStub()
        self.module = module

    def forward(self, x: Any) -> Any:
        return self.dequant(self.module(self.quant(x)))
