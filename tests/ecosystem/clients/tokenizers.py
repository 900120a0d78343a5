# SPDX-License-Identifier: MIT
"""Jobs with tokenizers."""

from __future__ import annotations

from typing import Any

from client import Client, summary

client = Client("tokenizers", "a word-piece tokenizer, batches padded to tensors through transformers")

SENTENCES = [
    "a loom weaves threads into cloth",
    "the weaver plaits three threads",
    "threads of wool, threads of silk",
    "what is woven can be read",
]


def small_tokenizer() -> Any:
    """A tokenizer of letters and a few words, as transformers wraps it. (Training one breaks ties by chance.)"""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz,"
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *letters,
        *(f"##{c}" for c in letters),
        "thread",
        "##s",
        "loom",
        "the",
    ]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


@client.job
def batches() -> Any:
    import torch

    batch = small_tokenizer()(SENTENCES, padding=True, return_tensors="pt")
    embedded = torch.nn.functional.one_hot(batch["input_ids"], 80).float()
    masked = embedded * batch["attention_mask"].unsqueeze(-1)
    return [list(batch["input_ids"].shape), batch["attention_mask"].sum().item(), summary(masked.mean(1).cumsum(1))]
