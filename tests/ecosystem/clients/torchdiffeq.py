# SPDX-License-Identifier: MIT
"""Jobs with torchdiffeq."""

from __future__ import annotations

from typing import Any

from client import Client, loss_and_gradients, set_weights, summary

client = Client("torchdiffeq", "dopri5, the adjoint method")


@client.job
def solvers() -> Any:
    import torch
    from torchdiffeq import odeint, odeint_adjoint

    field = set_weights(torch.nn.Linear(2, 2))
    y0, t = torch.tensor([1.0, 0.5]), torch.linspace(0, 1, 4)
    solved = odeint(lambda t, y: torch.tanh(field(y)), y0, t, method="dopri5")

    class Field(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = field

        def forward(self, t: Any, y: Any) -> Any:
            return torch.tanh(self.linear(y))

    module = Field()
    return [summary(solved), loss_and_gradients(module, odeint_adjoint(module, y0, t, method="rk4").sum())]
