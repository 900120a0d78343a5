# SPDX-License-Identifier: MIT
"""Jobs with sentence-transformers: a small network of our own, saved and loaded as a model from the hub would be."""

from __future__ import annotations

import tempfile
from typing import Any

from client import Client, loss_and_gradients, set_weights, summary

from .tokenizers import SENTENCES, small_tokenizer

client = Client("sentence-transformers", "sentences encoded and compared, a loss with gradients, saved and loaded")


def _network(folder: str) -> Any:
    import transformers
    from sentence_transformers import SentenceTransformer, models

    config = transformers.BertConfig(
        vocab_size=80, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    set_weights(transformers.BertModel(config)).save_pretrained(folder)
    small_tokenizer().save_pretrained(folder)
    words = models.Transformer(folder)
    return SentenceTransformer(modules=[words, models.Pooling(16, "mean"), models.Normalize()], device="cpu").eval()


@client.job
def sentences() -> Any:
    import torch
    from sentence_transformers import SentenceTransformer, losses, util

    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as copy:
        network = _network(folder)
        encoded = network.encode(SENTENCES, convert_to_tensor=True)
        network.save(copy)
        again = SentenceTransformer(copy, device="cpu").encode(SENTENCES, convert_to_tensor=True)
    hits = util.semantic_search(encoded[:1], encoded, top_k=3)[0]
    batch = [network.tokenize(SENTENCES[:2]), network.tokenize(SENTENCES[2:])]
    batch = [{k: v for k, v in part.items() if torch.is_tensor(v)} for part in batch]
    loss = losses.CosineSimilarityLoss(network)(batch, torch.tensor([0.2, 0.8]))
    return [
        summary(encoded),
        summary(util.cos_sim(encoded, encoded)),
        (again - encoded).abs().max().item(),
        [hit["score"] for hit in hits],
        loss_and_gradients(network, loss),
    ]
