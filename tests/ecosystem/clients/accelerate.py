# SPDX-License-Identifier: MIT
"""Jobs with accelerate."""

from __future__ import annotations

import tempfile
from typing import Any

from client import Client, pattern, set_weights, summary

client = Client(
    "accelerate",
    "a training loop with accumulation and clipping, state saved and loaded, empty weights",
    "processes beyond one",
)


@client.job
def training() -> Any:
    import torch
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = set_weights(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(pattern(32, 4), pattern(32, 1)), batch_size=8)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    model, optimizer, data, scheduler = accelerator.prepare(model, optimizer, data, scheduler)
    losses = []
    for _ in range(2):
        for x, y in data:
            with accelerator.accumulate(model):
                loss = torch.nn.functional.mse_loss(model(x), y)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 0.1)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            losses.append(accelerator.gather_for_metrics(loss).item())
    with tempfile.TemporaryDirectory() as folder:
        accelerator.save_state(folder)
        before = [p.detach().clone() for p in model.parameters()]
        with torch.no_grad():
            for p in model.parameters():
                p.zero_()
        accelerator.load_state(folder)
        same = all(torch.equal(p, b) for p, b in zip(model.parameters(), before))
    return [losses, float(same), [summary(p) for p in accelerator.unwrap_model(model).parameters()]]


@client.job
def empty_weights() -> Any:
    import torch
    from accelerate import init_empty_weights, load_checkpoint_and_dispatch
    from accelerate.utils import compute_module_sizes

    def network() -> Any:
        return torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.LayerNorm(8), torch.nn.Linear(8, 2))

    full = set_weights(network())
    with init_empty_weights():
        empty = network()
    on_meta = all(p.is_meta for p in empty.parameters())
    sizes = compute_module_sizes(empty)
    with tempfile.TemporaryDirectory() as folder:
        torch.save(full.state_dict(), f"{folder}/weights.bin")
        loaded = load_checkpoint_and_dispatch(empty, f"{folder}/weights.bin", device_map={"": "cpu"})
    return [float(on_meta), float(sizes[""]), summary(loaded(pattern(3, 6)))]
