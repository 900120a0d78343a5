# SPDX-License-Identifier: MIT
"""Jobs with torch-geometric."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, set_weights, summary

client = Client("torch-geometric", "convolutions of graphs", missing="pyg-lib, torch-sparse (libtorch)")


@client.job
def convolutions() -> Any:
    import torch
    from torch_geometric import nn

    edges = torch.tensor([[0, 1, 1, 2, 3, 3], [1, 0, 2, 1, 0, 2]])
    x = pattern(4, 5)
    layers = [nn.GCNConv(5, 3), nn.SAGEConv(5, 3), nn.GATConv(5, 3, heads=2), nn.GraphConv(5, 3), nn.TAGConv(5, 3)]
    return [summary(set_weights(layer)(x, edges)) for layer in layers]
