# SPDX-License-Identifier: MIT
"""Jobs with torchinfo."""

from __future__ import annotations

from typing import Any

from client import Client

client = Client("torchinfo", "summaries of networks: parameters, multiplications, sizes, the lines of the table")


@client.job
def summaries() -> Any:
    import torch
    from torchinfo import summary

    convolutional = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 5)
    )
    found = []
    for network, size in ((convolutional, (2, 3, 8, 8)), (torch.nn.LSTM(4, 6, 2, batch_first=True), (2, 7, 4))):
        s = summary(network, size, verbose=0, col_names=("input_size", "output_size", "num_params", "mult_adds"))
        lines = str(s).splitlines()
        found.append([s.total_params, s.trainable_params, s.total_mult_adds, s.total_output_bytes, len(lines)])
        found.append([len(line.rstrip()) for line in lines])
    return found
