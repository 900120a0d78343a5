# SPDX-License-Identifier: MIT
"""Jobs with safetensors.torch."""

from __future__ import annotations

import tempfile
from typing import Any

from client import Client, pattern, set_weights, summary

client = Client("safetensors", "tensors of all dtypes and models with tied weights saved and loaded, slices")


@client.job
def files() -> Any:
    import torch
    from safetensors import safe_open
    from safetensors.torch import load, load_file, load_model, save, save_file, save_model

    names = (
        "float64",
        "float32",
        "float16",
        "bfloat16",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint8",
        "bool",
        "complex64",
    )
    tensors = {n: (pattern(4, 6) * 50).to(getattr(torch, n)) for n in names}
    tied = set_weights(torch.nn.ModuleDict({"a": torch.nn.Linear(3, 3), "b": torch.nn.Linear(3, 3)}))
    tied["b"].weight = tied["a"].weight
    other = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 3), "b": torch.nn.Linear(3, 3)})
    other["b"].weight = other["a"].weight
    with tempfile.TemporaryDirectory() as folder:
        save_file(tensors, f"{folder}/x.safetensors", metadata={"by": "a job"})
        loaded = load_file(f"{folder}/x.safetensors")
        with safe_open(f"{folder}/x.safetensors", framework="pt") as file:
            part = file.get_slice("float32")[1:3, ::2]
            keys = len(list(file.keys()))
        save_model(tied, f"{folder}/m.safetensors")
        missing, unexpected = load_model(other, f"{folder}/m.safetensors")
    again = load(save(tensors))
    same = all(torch.equal(loaded[n], t) and torch.equal(again[n], t) for n, t in tensors.items())
    return [float(same), keys, summary(part), len(missing), len(unexpected), summary(other["b"].weight)]
