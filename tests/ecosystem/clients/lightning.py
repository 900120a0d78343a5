# SPDX-License-Identifier: MIT
"""Jobs with lightning."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, set_weights, summary

client = Client("lightning", "Trainer.fit", missing="processes beyond one")


@client.job
def training() -> Any:
    import lightning
    import torch

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = set_weights(torch.nn.Linear(4, 1))

        def training_step(self, batch: Any, index: int) -> Any:
            return torch.nn.functional.mse_loss(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    data = torch.utils.data.TensorDataset(pattern(32, 4), pattern(32, 1, seed=1))
    module = Module()
    options = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = lightning.Trainer(max_epochs=2, accelerator="cpu", **options)
    trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=8))
    return [summary(p) for p in module.parameters()]
