# SPDX-License-Identifier: MIT
"""An LSTM language model and a GRU classifier."""

from __future__ import annotations

from typing import Any

from . import Case, Data, train_step, workload

_VOCABULARY = 1000
_LSTM = 4 * 256 * (128 + 256) + 4 * 256 * (256 + 256)


@workload(
    "train",
    "lstm language model, 2 layers 128->256, batch 32 x 64",
    flops=3 * 2 * 32 * 64 * (_LSTM + 256 * _VOCABULARY),
)
def lstm(torch: Any, data: Data) -> Case:
    nn, F = torch.nn, torch.nn.functional

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(_VOCABULARY, 128)
            self.lstm = nn.LSTM(128, 256, num_layers=2, batch_first=True)
            self.head = nn.Linear(256, _VOCABULARY)

        def forward(self, tokens: Any) -> Any:
            hidden, _ = self.lstm(self.embedding(tokens))
            return self.head(hidden)

    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = data.integers(_VOCABULARY, 32, 64), data.integers(_VOCABULARY, 32, 64)

    def loss() -> Any:
        return F.cross_entropy(model(x).flatten(0, 1), y.flatten())

    return Case(train_step(optimizer, loss), [model])


@workload(
    "train",
    "gru classifier, 64->128, batch 32 x 64",
    flops=2 * 32 * (64 * 3 * 128 * (2 * 64 + 3 * 128) + 3 * 128 * 10),
)
def gru(torch: Any, data: Data) -> Case:
    nn, F = torch.nn, torch.nn.functional

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(64, 128, batch_first=True)
            self.head = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            _, last = self.gru(x)
            return self.head(last[-1])

    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = data.normal(32, 64, 64), data.integers(10, 32)
    return Case(train_step(optimizer, lambda: F.cross_entropy(model(x), y)), [model])
