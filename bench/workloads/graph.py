# SPDX-License-Identifier: MIT
"""Sparse matrices: products of those in compressed rows, and a graph network of the size of Cora."""

from __future__ import annotations

from typing import Any

from . import Case, Data, train_step, workload

NODES, EDGES, FEATURES, CLASSES = 2708, 10556, 1433, 7  # of the citation graph Cora


def _matrix(torch: Any, data: Data, n: int, entries: int) -> Any:
    """An n x n matrix of `entries` random numbers at random places."""
    places = torch.stack([data.integers(n, entries), data.integers(n, entries)])
    return torch.sparse_coo_tensor(places, data.normal(entries), (n, n)).coalesce().to_sparse_csr()


def _product(n: int, entries: int, columns: int) -> None:
    # Reads a row of the dense matrix for each entry.
    name = f"sparse {n} x {n}, {entries} entries, times {columns} columns"

    @workload("op", name, flops=2 * entries * columns, traffic=4 * columns * (entries + n))
    def product(torch: Any, data: Data) -> Case:
        a, b = _matrix(torch, data, n, entries), data.normal(n, columns)
        return Case(lambda: a @ b)


_product(NODES, EDGES, 16)
_product(NODES, EDGES, FEATURES)
_product(20_000, 200_000, 64)
_product(20_000, 200_000, 256)


@workload("train", f"graph network on {NODES} nodes, {EDGES} edges, {FEATURES}-16-{CLASSES}")
def graph_network(torch: Any, data: Data) -> Case:
    nn = torch.nn
    adjacency = _matrix(torch, data, NODES, EDGES)
    x, classes, known = data.uniform(NODES, FEATURES), data.integers(CLASSES, 140), torch.arange(140)
    layers = nn.ModuleList([nn.Linear(FEATURES, 16, bias=False), nn.Dropout(0.5), nn.Linear(16, CLASSES, bias=False)])
    optimizer = torch.optim.Adam(layers.parameters(), lr=1e-2, weight_decay=5e-4)

    def loss() -> Any:
        h = torch.relu(adjacency @ layers[0](x))
        scores = adjacency @ layers[2](layers[1](h))
        return nn.functional.cross_entropy(scores[known], classes)

    return Case(train_step(optimizer, loss), [layers])
