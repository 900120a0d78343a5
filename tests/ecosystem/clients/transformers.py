# SPDX-License-Identifier: MIT
"""Jobs with transformers."""

from __future__ import annotations

from typing import Any

from client import Client, loss_and_gradients, pattern, set_weights, summary

client = Client(
    "transformers",
    "BERT, GPT-2, Llama, T5, ViT, Whisper: logits, gradients; greedy and beam generation, cached keys and values; "
    "Trainer; save_pretrained, from_pretrained",
)


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


@client.job
def whisper() -> Any:
    model = language_model(
        "WhisperForConditionalGeneration",
        vocab_size=60,
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_mel_bins=8,
        max_source_positions=20,
        max_target_positions=20,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    output = model(input_features=pattern(2, 8, 40), labels=tokens()[:, :6].contiguous())
    return [summary(output.logits), loss_and_gradients(model, output.loss)]


@client.job
def key_value_cache() -> Any:
    import torch

    model = language_model("GPT2LMHeadModel", vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    whole, cache, found = model(tokens()).logits, None, []
    with torch.no_grad():
        for i in range(12):
            output = model(tokens()[:, i : i + 1], past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            found.append((output.logits[:, 0] - whole[:, i]).abs().max().item())
    beams = model.generate(tokens()[:, :4], max_new_tokens=5, num_beams=3, do_sample=False, pad_token_id=0)
    return [found, beams.double().reshape(-1).tolist()]


@client.job
def trainer() -> Any:
    import tempfile

    import torch
    import transformers

    model = language_model("BertForSequenceClassification")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    data = [{"input_ids": (tokens()[i % 2] + i % 3) % 50, "labels": torch.tensor(i % 2)} for i in range(40)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder,
            max_steps=10,
            per_device_train_batch_size=4,
            train_sampling_strategy="sequential",
            learning_rate=1e-2,
            report_to=[],
            use_cpu=True,
            save_strategy="no",
            disable_tqdm=True,
        )
        engine = transformers.Trainer(model, arguments, train_dataset=data, eval_dataset=data[:8])
        loss = engine.train().training_loss
        evaluated = engine.evaluate()["eval_loss"]
    return [loss, evaluated, summary(model.classifier.weight)]


@client.job
def pretrained_files() -> Any:
    import tempfile

    import torch
    import transformers

    found = []
    for name, sizes in (
        ("BertModel", {}),
        ("GPT2LMHeadModel", {"vocab_size": 50, "n_embd": 16, "n_layer": 2, "n_head": 2}),
    ):
        model = language_model(name, **sizes)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            loaded = getattr(transformers, name).from_pretrained(folder).eval()
            half = getattr(transformers, name).from_pretrained(folder, dtype=torch.bfloat16)
        same = all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), loaded.state_dict().values()))
        found += [float(same), summary(loaded(tokens())[0]), float(half.dtype == torch.bfloat16)]
    return found
