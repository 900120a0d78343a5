# SPDX-License-Identifier: MIT
"""Jobs with torch-geometric."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, set_weights, summary

client = Client(
    "torch-geometric", "convolutions of graphs, batches, pooling, training", missing="pyg-lib, torch-sparse (libtorch)"
)


@client.job
def convolutions() -> Any:
    import torch
    from torch_geometric import nn

    edges = torch.tensor([[0, 1, 1, 2, 3, 3], [1, 0, 2, 1, 0, 2]])
    x = pattern(4, 5)
    layers = [nn.GCNConv(5, 3), nn.SAGEConv(5, 3), nn.GATConv(5, 3, heads=2), nn.GraphConv(5, 3), nn.TAGConv(5, 3)]
    return [summary(set_weights(layer)(x, edges)) for layer in layers]


@client.job
def training() -> Any:
    import torch
    from torch_geometric.data import Data
    from torch_geometric.loader import DataLoader
    from torch_geometric.nn import GCNConv, GINConv, global_mean_pool
    from torch_geometric.utils import add_self_loops, degree, to_dense_adj

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = GCNConv(5, 8)
            self.second = GINConv(torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)))

        def forward(self, data: Any) -> Any:
            x = self.first(data.x, data.edge_index).relu()
            return global_mean_pool(self.second(x, data.edge_index), data.batch)

    edges = torch.tensor([[0, 1, 1, 2, 3, 3], [1, 0, 2, 1, 0, 2]])
    graphs = [Data(x=pattern(4, 5, seed=i), edge_index=edges, y=torch.tensor([i % 3])) for i in range(6)]
    network = set_weights(Network())
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(3):
        for batch in DataLoader(graphs, batch_size=3):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(batch), batch.y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    loops, _ = add_self_loops(edges)
    return [losses, degree(loops[0]).tolist(), to_dense_adj(edges)[0].sum(0).tolist()]
