# SPDX-License-Identifier: MIT
"""Jobs with peft."""

from __future__ import annotations

from typing import Any

from client import Client, loss_and_gradients, set_weights, summary

from .transformers import language_model, tokens

client = Client("peft", "LoRA on GPT-2: gradients, merged weights")


@client.job
def lora() -> Any:
    from peft import LoraConfig, get_peft_model

    model = language_model("GPT2LMHeadModel", vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    tuned = set_weights(get_peft_model(model, LoraConfig(r=4, target_modules=["c_attn"], fan_in_fan_out=True))).eval()
    output = tuned(tokens(), labels=tokens())
    return [
        summary(output.logits),
        loss_and_gradients(tuned, output.loss),
        summary(tuned.merge_and_unload()(tokens()).logits),
    ]
