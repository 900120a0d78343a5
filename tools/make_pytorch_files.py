#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the files of PyTorch's that tests/test_pytorch_files.py reads; the numbers in them are known to the tests.

python tools/make_pytorch_files.py tests/references/pytorch_files   # in an environment with PyTorch
"""

from __future__ import annotations

import argparse
import collections
import os
import sys

import numpy as np
import torch
from torch import nn


def dtypes() -> dict[str, torch.Tensor]:
    names = ["float32", "float64", "float16", "bfloat16", "complex64", "complex128", "bool"]
    names += ["uint8", "int8", "int16", "int32", "int64"]
    return {name: torch.tensor([[0, 1, 2], [3, 4, 5]]).to(getattr(torch, name)) for name in names}


def views() -> dict[str, object]:
    base = torch.arange(12.0)
    return {
        "base": base,
        "again": base,
        "matrix": base.view(3, 4),
        "transposed": base.view(3, 4).t(),
        "part": base[2:9:3],
        "expanded": base[5:6].expand(2, 3),
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(7),
        "conj": torch.tensor([1 + 2j]).conj(),
        "imag": torch.tensor([1 + 2j]).conj().imag,
    }


def training() -> dict[str, object]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.125, betas=(0.5, 0.75))
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    for _ in range(2):
        model(torch.ones(4, 2)).sum().backward()
        optimizer.step()
        scheduler.step()
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "random": torch.tensor([1, 2, 3], dtype=torch.uint8),
        "epoch": 2,
    }


def plain() -> dict[str, object]:
    parameter = nn.Parameter(torch.ones(2))
    parameter.tag = "a"  # type: ignore[attr-defined]
    return {
        "numbers": [1, -1, 255, 65536, 2**40, -(2**70), 0.5, float("inf"), True, None, 1 + 2j],
        "texts": ["", "a", "\N{EURO SIGN}", "x" * 300, b"\x00\xff", bytearray(b"ab")],
        "containers": [(), (1,), (1, 2, 3, 4), {1, 2}, frozenset([3]), {(1, "a"): 2.5, 3: None}, slice(1, None, 2)],
        "ordered": collections.OrderedDict(b=1, a=2),
        "counter": collections.Counter("aab"),
        "default": collections.defaultdict(list, {1: [2]}),
        "namespace": argparse.Namespace(lr=0.5, layers=[1, 2]),
        "numpy": [
            np.arange(6, dtype=">f4").reshape(2, 3).T,
            np.float64(1.5),
            np.array(["ab"]),
            np.array(["2020-01-02"], "M8[D]"),
        ],
        "torch": [torch.float16, torch.Size([1, 2]), torch.device("cpu"), parameter, torch.ones(1, requires_grad=True)],
        "sparse": [torch.eye(2).to_sparse(), torch.eye(2).to_sparse_csr()],
    }


def main() -> int:
    folder = sys.argv[1]
    module = {"net": [nn.Sequential(nn.Linear(2, 1), nn.ReLU())]}
    objects = {"dtypes": dtypes(), "views": views(), "training": training(), "plain": plain(), "module": module}
    for name, obj in objects.items():
        torch.save(obj, os.path.join(folder, f"{name}.pt"))
        torch.save(obj, os.path.join(folder, f"{name}_old.pt"), _use_new_zipfile_serialization=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
