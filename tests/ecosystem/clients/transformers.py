# SPDX-License-Identifier: MIT
"""Jobs with transformers."""

from __future__ import annotations

from typing import Any

from client import Client, loss_and_gradients, pattern, set_weights, summary

client = Client("transformers", "BERT, GPT-2, Llama, T5, ViT: logits, gradients, greedy generation")


def language_model(name: str, **config: Any) -> Any:
    import transformers

    kind = getattr(transformers, name)
    sizes = {
        "vocab_size": 50,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    return set_weights(kind(kind.config_class(**(config or sizes)))).eval()


def tokens() -> Any:
    import torch

    return (torch.arange(24).reshape(2, 12) * 7) % 50


@client.job
def bert() -> Any:
    model = language_model("BertForMaskedLM")
    output = model(tokens(), labels=tokens())
    return [summary(output.logits), loss_and_gradients(model, output.loss)]


@client.job
def gpt2() -> Any:
    model = language_model("GPT2LMHeadModel", vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    output = model(tokens(), labels=tokens())
    ids = model.generate(tokens()[:, :4], max_new_tokens=6, do_sample=False, pad_token_id=0)
    return [summary(output.logits), loss_and_gradients(model, output.loss), ids.double().reshape(-1).tolist()]


@client.job
def llama() -> Any:
    sizes = {
        "vocab_size": 50,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 32,
    }
    model = language_model("LlamaForCausalLM", **sizes, num_key_value_heads=2)
    output = model(tokens(), labels=tokens())
    ids = model.generate(tokens()[:, :4], max_new_tokens=6, do_sample=False, pad_token_id=0)
    return [summary(output.logits), loss_and_gradients(model, output.loss), ids.double().reshape(-1).tolist()]


@client.job
def t5() -> Any:
    model = language_model(
        "T5ForConditionalGeneration",
        vocab_size=50,
        decoder_start_token_id=0,
        d_model=16,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        d_kv=8,
    )
    output = model(input_ids=tokens(), labels=tokens()[:, :5].contiguous())
    return [summary(output.logits), loss_and_gradients(model, output.loss)]


@client.job
def vit() -> Any:
    model = language_model(
        "ViTForImageClassification",
        image_size=16,
        patch_size=4,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    output = model(pattern(2, 3, 16, 16))
    return [summary(output.logits), loss_and_gradients(model, output.logits.sum())]
