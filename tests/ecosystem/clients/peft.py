# SPDX-License-Identifier: MIT
"""Jobs with peft."""

from __future__ import annotations

from typing import Any

from client import Client, loss_and_gradients, set_weights, summary

from .transformers import language_model, tokens

client = Client("peft", "LoRA, DoRA, IA3, AdaLoRA and prefixes on GPT-2: gradients, merged weights, saved and loaded")


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


@client.job
def other_adapters() -> Any:
    import tempfile

    from peft import AdaLoraConfig, IA3Config, LoraConfig, PeftModel, PrefixTuningConfig, get_peft_model

    def base() -> Any:
        return language_model("GPT2LMHeadModel", vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32)

    found = []
    for config in (
        LoraConfig(r=4, target_modules=["c_attn"], fan_in_fan_out=True, use_dora=True),
        IA3Config(target_modules=["c_attn", "mlp.c_proj"], feedforward_modules=["mlp.c_proj"], fan_in_fan_out=True),
        AdaLoraConfig(target_modules=["c_attn"], fan_in_fan_out=True, total_step=10, tinit=1, tfinal=1),
        PrefixTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM"),
    ):
        tuned = set_weights(get_peft_model(base(), config)).eval()
        output = tuned(tokens(), labels=tokens())
        found += [summary(output.logits), loss_and_gradients(tuned, output.loss)]
    tuned = set_weights(get_peft_model(base(), LoraConfig(r=4, target_modules=["c_attn"], fan_in_fan_out=True))).eval()
    expected = tuned(tokens()).logits
    with tempfile.TemporaryDirectory() as folder:
        tuned.save_pretrained(folder)
        loaded = PeftModel.from_pretrained(tuned.unload(), folder).eval()
    return [found, (loaded(tokens()).logits - expected).abs().max().item()]
