# SPDX-License-Identifier: MIT
"""Jobs with lightning."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, set_weights, summary

client = Client(
    "lightning", "Trainer.fit; accumulation, clipping, schedules, checkpoints, resuming", missing="processes beyond one"
)


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


@client.job
def checkpoints() -> Any:
    import tempfile

    import lightning
    import torch
    from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

    class Module(lightning.LightningModule):
        def __init__(self, width: int = 6) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = set_weights(
                torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.GELU(), torch.nn.Linear(width, 1))
            )

        def _loss(self, batch: Any) -> Any:
            return torch.nn.functional.mse_loss(self.net(batch[0]), batch[1])

        def training_step(self, batch: Any, index: int) -> Any:
            loss = self._loss(batch)
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", self._loss(batch))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=0.05)
            return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4)]

    data = torch.utils.data.TensorDataset(pattern(32, 4), pattern(32, 1, seed=1))
    loader = torch.utils.data.DataLoader(data, batch_size=8)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    with tempfile.TemporaryDirectory() as folder:
        best = ModelCheckpoint(folder, monitor="val_loss", save_last=True)
        options = {"accumulate_grad_batches": 2, "gradient_clip_val": 0.5, **quiet}
        trainer = lightning.Trainer(max_epochs=2, callbacks=[best, EarlyStopping("val_loss")], **options)
        trainer.fit(Module(), loader, loader)
        resumed = lightning.Trainer(max_epochs=4, default_root_dir=folder, enable_checkpointing=False, **options)
        module = Module()
        resumed.fit(module, loader, loader, ckpt_path=f"{folder}/last.ckpt")
        loaded = Module.load_from_checkpoint(best.best_model_path)
        tested = lightning.Trainer(enable_checkpointing=False, **quiet).validate(loaded, loader, verbose=False)
    return [tested[0]["val_loss"], resumed.global_step, [summary(p) for p in module.parameters()]]
