# SPDX-License-Identifier: MIT
"""Small jobs with packages that import torch; each returns numbers that do not depend on random draws.

``python jobs.py record`` in an environment with PyTorch writes them to ``values.json``; the tests compare plait's.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

VALUES = Path(__file__).with_name("values.json")
JOBS: dict[str, tuple[str, Callable[[], Any]]] = {}  # by name: the package, the function


def job(package: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Declare a job that needs a package."""

    def declare(function: Callable[[], Any]) -> Callable[[], Any]:
        JOBS[function.__name__] = (package, function)
        return function

    return declare


def pattern(*shape: int, seed: int = 0) -> Any:
    """Numbers between -1 and 1 that look random and are the same everywhere."""
    import numpy as np
    import torch

    n = math.prod(shape)
    values = np.sin(np.arange(n, dtype=np.float64) * 12.9898 + seed * 78.233) * 43758.5453
    return torch.from_numpy((values - np.floor(values)) * 2 - 1).float().reshape(shape)


def set_weights(model: Any) -> Any:
    """Give every parameter numbers of the size that training starts from."""
    import torch

    with torch.no_grad():
        for i, (_, p) in enumerate(sorted(model.named_parameters())):
            fan = max(p[0].numel(), 1) if p.dim() > 1 else 10
            p.copy_(
                pattern(*p.shape, seed=i) / math.sqrt(fan) + (1 if p.dim() == 1 and p.shape[0] % 2 == 0 else 0) * 0.5
            )
    return model


def summary(t: Any) -> list[float]:
    """Mean, mean of squares, first and last number."""
    t = t.detach().double().reshape(-1)
    return [t.mean().item(), (t * t).mean().item(), t[0].item(), t[-1].item()]


def loss_and_gradients(model: Any, loss: Any) -> list[float]:
    """The loss, and the norm of its gradient."""
    model.zero_grad()
    loss.backward()
    squares = sum((p.grad.double() ** 2).sum() for p in model.parameters() if p.grad is not None)
    return [loss.item(), math.sqrt(squares.item())]


# ---- einops, scikit-learn's way, metrics ----


@job("einops")
def einops_layers() -> Any:
    import torch
    from einops import rearrange, reduce, repeat
    from einops.layers.torch import Rearrange, Reduce

    x = pattern(2, 3, 8, 8)
    net = torch.nn.Sequential(Rearrange("b c (h s) (w t) -> b (c s t) h w", s=2, t=2), Reduce("b c h w -> b c", "max"))
    return [
        summary(net(x)),
        summary(rearrange(x, "b c h w -> h (b w) c")),
        summary(reduce(x, "b c h w -> c", "mean")),
    ] + [summary(repeat(x, "b c h w -> b c (h 2) w"))]


@job("skorch")
def skorch_classifier() -> Any:
    import numpy as np
    import torch
    from skorch import NeuralNetClassifier

    x = pattern(64, 5).numpy()
    y = (x.sum(1) > 0).astype(np.int64)
    net = NeuralNetClassifier(
        set_weights(torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))),
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=5,
        lr=0.1,
        train_split=None,
        iterator_train__shuffle=False,
        verbose=0,
    )
    net.fit(x, y)
    return [net.history[-1, "train_loss"], float(net.score(x, y)), *summary(torch.tensor(net.predict_proba(x)))]


@job("torchmetrics")
def torchmetrics_scores() -> Any:
    import torch
    import torchmetrics

    scores, labels = pattern(50, 4), (pattern(50, seed=3) * 2 + 2).long().clamp(0, 3)
    metrics = torchmetrics.MetricCollection(
        {
            "accuracy": torchmetrics.classification.MulticlassAccuracy(4),
            "f1": torchmetrics.classification.MulticlassF1Score(4),
            "auroc": torchmetrics.classification.MulticlassAUROC(4),
            "calibration": torchmetrics.classification.MulticlassCalibrationError(4),
        }
    )
    metrics.update(scores.softmax(1), labels)
    found = {k: v.item() for k, v in metrics.compute().items()}
    r2 = torchmetrics.R2Score()(scores[:, 0], scores[:, 0] + 0.1 * scores[:, 1])
    ssim = torchmetrics.image.StructuralSimilarityIndexMeasure(data_range=2.0)
    return [
        *found.values(),
        r2.item(),
        ssim(pattern(1, 1, 24, 24), pattern(1, 1, 24, 24) * 0.9).item(),
        torch.ones(1).item(),
    ]


# ---- Keras ----


@job("keras")
def keras_sequential() -> Any:
    import keras
    import numpy as np
    from keras import layers

    x = np.asarray(pattern(96, 8, 8, 1).numpy())
    y = (x.mean((1, 2, 3)) > 0).astype("int64")
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.set_weights(
        [np.asarray(pattern(*w.shape, seed=i).numpy()) * 0.3 + (i > 1) for i, w in enumerate(model.get_weights())]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=0)
    return [*history.history["loss"], *model.evaluate(x, y, verbose=0), *map(float, model.predict(x, verbose=0)[:3, 0])]


@job("keras")
def keras_functional() -> Any:
    import keras
    import numpy as np
    from keras import layers

    tokens = (np.arange(60).reshape(5, 12) * 7) % 20
    inputs = layers.Input((12,))
    h = layers.Embedding(20, 8)(inputs)
    h = layers.LSTM(6, return_sequences=True)(h)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 3)(h, h))
    model = keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling1D()(h)))
    model.set_weights([np.asarray(pattern(*w.shape, seed=i).numpy()) * 0.5 for i, w in enumerate(model.get_weights())])
    model.compile("sgd", "mse")
    loss = model.train_on_batch(tokens, np.linspace(0, 1, 5)[:, None])
    return [float(loss), *map(float, model.predict(tokens, verbose=0)[:, 0])]


# ---- transformers ----


def _language_model(name: str, **config: Any) -> Any:
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


def _tokens() -> Any:
    import torch

    return (torch.arange(24).reshape(2, 12) * 7) % 50


@job("transformers")
def transformers_bert() -> Any:
    model = _language_model("BertForMaskedLM")
    output = model(_tokens(), labels=_tokens())
    return [summary(output.logits), loss_and_gradients(model, output.loss)]


@job("transformers")
def transformers_gpt2() -> Any:
    model = _language_model("GPT2LMHeadModel", vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    output = model(_tokens(), labels=_tokens())
    ids = model.generate(_tokens()[:, :4], max_new_tokens=6, do_sample=False, pad_token_id=0)
    return [summary(output.logits), loss_and_gradients(model, output.loss), ids.double().reshape(-1).tolist()]


@job("transformers")
def transformers_llama() -> Any:
    sizes = {
        "vocab_size": 50,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 32,
    }
    model = _language_model("LlamaForCausalLM", **sizes, num_key_value_heads=2)
    output = model(_tokens(), labels=_tokens())
    ids = model.generate(_tokens()[:, :4], max_new_tokens=6, do_sample=False, pad_token_id=0)
    return [summary(output.logits), loss_and_gradients(model, output.loss), ids.double().reshape(-1).tolist()]


@job("transformers")
def transformers_t5() -> Any:
    model = _language_model(
        "T5ForConditionalGeneration",
        vocab_size=50,
        decoder_start_token_id=0,
        d_model=16,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        d_kv=8,
    )
    output = model(input_ids=_tokens(), labels=_tokens()[:, :5].contiguous())
    return [summary(output.logits), loss_and_gradients(model, output.loss)]


@job("transformers")
def transformers_vit() -> Any:
    model = _language_model(
        "ViTForImageClassification",
        image_size=16,
        patch_size=4,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    output = model(pattern(2, 3, 16, 16))
    return [summary(output.logits), loss_and_gradients(model, output.logits.sum())]


# ---- Vision ----


def _vision(model: Any, size: int = 64) -> Any:
    model = set_weights(model).eval()
    output = model(pattern(1, 3, size, size))
    return [summary(output), loss_and_gradients(model, output.square().mean())]


@job("torchvision")
def torchvision_models() -> Any:
    import torchvision

    names = (
        "resnet18",
        "mobilenet_v3_small",
        "shufflenet_v2_x0_5",
        "squeezenet1_1",
        "efficientnet_b0",
        "convnext_tiny",
        "vit_b_32",
    )
    return [_vision(getattr(torchvision.models, n)(weights=None), 224 if "vit" in n else 64) for n in names]


@job("torchvision")
def torchvision_transforms() -> Any:
    import torch
    from torchvision.transforms import v2

    image = ((pattern(3, 20, 30) + 1) * 127).to(torch.uint8)
    steps = v2.Compose(
        [
            v2.Resize((16, 24)),
            v2.CenterCrop(12),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.5] * 3, [0.2] * 3),
        ]
    )
    return [
        summary(steps(image)),
        summary(v2.functional.gaussian_blur(image.float(), [3, 3])),
        summary(v2.functional.rotate(image.float(), 30)),
    ]


@job("timm")
def timm_models() -> Any:
    import timm

    names = ("resnet10t", "mobilenetv3_small_050", "efficientvit_b0", "convnext_atto", "mixer_s32_224", "regnetx_002")
    return [_vision(timm.create_model(n, pretrained=False, num_classes=7), 224 if "mixer" in n else 64) for n in names]


# ---- Explainers, Gaussian processes, probabilistic programs, graphs, reinforcement ----


@job("captum")
def captum_attributions() -> Any:
    import torch
    from captum.attr import DeepLift, IntegratedGradients, LayerGradCam, Occlusion, Saliency

    model = set_weights(
        torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(108, 4))
    )
    x = pattern(2, 1, 8, 8).requires_grad_()
    found = [IntegratedGradients(model).attribute(x, target=1), Saliency(model).attribute(x, target=1)]
    found += [DeepLift(model).attribute(x, target=2), LayerGradCam(model, model[0]).attribute(x, target=0)]
    found += [Occlusion(model).attribute(x, (1, 3, 3), target=1)]
    return [summary(f) for f in found]


@job("gpytorch")
def gpytorch_regression() -> Any:
    import gpytorch
    import torch

    class Model(gpytorch.models.ExactGP):
        def __init__(self, x: Any, y: Any, likelihood: Any) -> None:
            super().__init__(x, y, likelihood)
            self.mean_module = gpytorch.means.ConstantMean()
            self.covar_module = gpytorch.kernels.ScaleKernel(gpytorch.kernels.MaternKernel(nu=2.5))

        def forward(self, x: Any) -> Any:
            return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))

    x = torch.linspace(0, 1, 15)
    y = (6 * x).sin()
    likelihood = gpytorch.likelihoods.GaussianLikelihood()
    model = Model(x, y, likelihood).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    mll = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = -mll(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    likelihood.eval()
    with torch.no_grad():
        prediction = likelihood(model(torch.linspace(0.1, 0.9, 4)))
    return [losses, prediction.mean.tolist(), prediction.variance.tolist()]


@job("pyro")
def pyro_traces() -> Any:
    import pyro
    import pyro.distributions as dist
    import torch

    def model(data: Any) -> Any:
        rate = pyro.sample("rate", dist.Gamma(2.0, 1.0))
        with pyro.plate("data", len(data)):
            pyro.sample("x", dist.Exponential(rate), obs=data)

    data = torch.tensor([0.5, 1.0, 2.0])
    trace = pyro.poutine.trace(pyro.condition(model, {"rate": torch.tensor(1.5)})).get_trace(data)
    flow = dist.TransformedDistribution(dist.Normal(torch.zeros(2), 1.0), [dist.transforms.SigmoidTransform()])
    return [trace.log_prob_sum().item(), flow.log_prob(torch.tensor([0.2, 0.7])).tolist()]


@job("torch_geometric")
def geometric_convolutions() -> Any:
    import torch
    from torch_geometric import nn

    edges = torch.tensor([[0, 1, 1, 2, 3, 3], [1, 0, 2, 1, 0, 2]])
    x = pattern(4, 5)
    layers = [nn.GCNConv(5, 3), nn.SAGEConv(5, 3), nn.GATConv(5, 3, heads=2), nn.GraphConv(5, 3), nn.TAGConv(5, 3)]
    return [summary(set_weights(layer)(x, edges)) for layer in layers]


@job("peft")
def peft_lora() -> Any:
    from peft import LoraConfig, get_peft_model

    model = _language_model("GPT2LMHeadModel", vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    tuned = set_weights(get_peft_model(model, LoraConfig(r=4, target_modules=["c_attn"], fan_in_fan_out=True))).eval()
    output = tuned(_tokens(), labels=_tokens())
    return [
        summary(output.logits),
        loss_and_gradients(tuned, output.loss),
        summary(tuned.merge_and_unload()(_tokens()).logits),
    ]


@job("torchdiffeq")
def differential_equations() -> Any:
    import torch
    from torchdiffeq import odeint, odeint_adjoint

    field = set_weights(torch.nn.Linear(2, 2))
    y0, t = torch.tensor([1.0, 0.5]), torch.linspace(0, 1, 4)
    solved = odeint(lambda t, y: torch.tanh(field(y)), y0, t, method="dopri5")

    class Field(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = field

        def forward(self, t: Any, y: Any) -> Any:
            return torch.tanh(self.linear(y))

    module = Field()
    return [summary(solved), loss_and_gradients(module, odeint_adjoint(module, y0, t, method="rk4").sum())]


@job("lightning")
def lightning_training() -> Any:
    import lightning
    import torch

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = set_weights(torch.nn.Linear(4, 1))

        def training_step(self, batch: Any, index: int) -> Any:
            return torch.nn.functional.mse_loss(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    data = torch.utils.data.TensorDataset(pattern(32, 4), pattern(32, 1, seed=1))
    module = Module()
    options = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = lightning.Trainer(max_epochs=2, accelerator="cpu", **options)
    trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=8))
    return [summary(p) for p in module.parameters()]


def main() -> None:
    """Run all jobs whose packages are there and write their numbers."""
    values = json.loads(VALUES.read_text()) if VALUES.exists() else {}
    for name, (package, function) in JOBS.items():
        try:
            __import__(package)
        except ImportError:
            print(f"{name}: {package} is not installed")
            continue
        values[name] = function()
        print(name)
    VALUES.write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__" and sys.argv[1:] == ["record"]:
    main()
