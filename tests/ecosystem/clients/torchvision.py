# SPDX-License-Identifier: MIT
"""Jobs with torchvision."""

from __future__ import annotations

from typing import Any

from client import Client, loss_and_gradients, pattern, set_weights, summary

client = Client("torchvision", "networks with gradients, transforms v2")


def check_network(model: Any, size: int = 64) -> Any:
    model = set_weights(model).eval()
    output = model(pattern(1, 3, size, size))
    return [summary(output), loss_and_gradients(model, output.square().mean())]


@client.job
def models() -> Any:
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
    return [check_network(getattr(torchvision.models, n)(weights=None), 224 if "vit" in n else 64) for n in names]


@client.job
def transforms() -> Any:
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
