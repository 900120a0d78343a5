# SPDX-License-Identifier: MIT
"""Jobs with captum."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, set_weights, summary

client = Client("captum", "attributions: integrated gradients, saliency, DeepLift, GradCAM, occlusion")


@client.job
def attributions() -> Any:
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
