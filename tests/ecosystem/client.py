# SPDX-License-Identifier: MIT
"""What the jobs of all clients share: their declaration, numbers to compute with, numbers to compare.

A client is a package that imports torch. Its module in ``clients`` declares jobs: small programs that return nested
lists of numbers. ``tools/ecosystem.py record`` runs them on PyTorch and writes ``values/<client>.json``; the tests run
them on plait and compare.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import os
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RTOL, ATOL = 2e-4, 2e-5  # float32 sums in another order, through a few steps of training

for _name, _value in {"KERAS_BACKEND": "torch", "HF_HUB_OFFLINE": "1", "MPLBACKEND": "Agg"}.items():
    os.environ.setdefault(_name, _value)

Job = Callable[[], Any]


class Client:
    """A package, and its jobs by name.

    Args:
        package: Its name for pip.
        runs: What the jobs do, for the table of clients.
        missing: What is known not to be there, for the same table.
        module: The module to import, if it is not called as the package.
    """

    def __init__(self, package: str, runs: str, missing: str = "", module: str = "") -> None:
        self.package, self.runs, self.missing = package, runs, missing
        self.module = module or package.replace("-", "_")
        self.jobs: dict[str, Job] = {}

    @property
    def values_file(self) -> Path:
        """Where PyTorch's numbers are."""
        return HERE / "values" / f"{self.module}.json"

    def job(self, function: Job) -> Job:
        """Declare a job."""
        self.jobs[function.__name__] = function
        return function

    def is_installed(self) -> bool:
        """Whether the package can be imported."""
        return importlib.util.find_spec(self.module) is not None

    def expected(self) -> dict[str, list[float]]:
        """PyTorch's numbers by job."""
        return json.loads(self.values_file.read_text()) if self.values_file.exists() else {}


def all_clients() -> dict[str, Client]:
    """The clients by the name of their module here."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(HERE / "clients")]))
    return {name: importlib.import_module(f"clients.{name}").client for name in names}


def flat(values: Any) -> list[float]:
    """All numbers of nested lists, in order."""
    return [x for v in values for x in flat(v)] if isinstance(values, (list, tuple)) else [float(values)]


def pattern(*shape: int, seed: int = 0) -> Any:
    """Numbers between -1 and 1 that look random and are the same everywhere, as a float32 tensor."""
    import numpy as np
    import torch

    n = math.prod(shape)
    values = np.sin(np.arange(n, dtype=np.float64) * 12.9898 + seed * 78.233) * 43758.5453
    return torch.from_numpy((values - np.floor(values)) * 2 - 1).float().reshape(shape)


def set_weights(model: Any) -> Any:
    """Give every parameter numbers of the size that training starts from."""
    import torch

    with torch.no_grad():
        for i, (_, p) in enumerate(sorted(model.named_parameters())):
            fan = max(p[0].numel(), 1) if p.dim() > 1 else 10
            shift = 0.5 if p.dim() == 1 and p.shape[0] % 2 == 0 else 0
            p.copy_(pattern(*p.shape, seed=i) / math.sqrt(fan) + shift)
    return model


def summary(t: Any) -> list[float]:
    """Mean, mean of squares, first and last number."""
    t = t.detach().double().reshape(-1)
    return [t.mean().item(), (t * t).mean().item(), t[0].item(), t[-1].item()]


def loss_and_gradients(model: Any, loss: Any) -> list[float]:
    """The loss, and the norm of its gradient."""
    model.zero_grad()
    loss.backward()
    squares = sum((p.grad.double() ** 2).sum() for p in model.parameters() if p.grad is not None)
    return [loss.item(), math.sqrt(squares.item())]


def check_network(model: Any, size: int = 64) -> list[Any]:
    """The output of a network for an image, the loss and the gradients of its squares."""
    model = set_weights(model).eval()
    output = model(pattern(1, 3, size, size))
    return [summary(output), loss_and_gradients(model, output.square().mean())]
