# SPDX-License-Identifier: MIT
"""Jobs with captum."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, set_weights, summary

client = Client(
    "captum",
    "14 methods: integrated gradients, saliency, DeepLift, LRP, GradCAM, occlusion; of layers, of neurons",
)


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


@client.job
def more_attributions() -> Any:
    import torch
    from captum.attr import (
        LRP,
        Deconvolution,
        FeatureAblation,
        GuidedBackprop,
        GuidedGradCam,
        InputXGradient,
        LayerConductance,
        LayerIntegratedGradients,
        NeuronGradient,
    )

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.activation = torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU()
            self.head = torch.nn.Linear(108, 4)

        def forward(self, x: Any) -> Any:
            return self.head(self.activation(self.convolution(x)).flatten(1))

    model = set_weights(Network())
    x = pattern(2, 1, 8, 8).requires_grad_()
    found = [InputXGradient(model).attribute(x, target=1), LRP(model).attribute(x, target=0)]
    found += [method(model).attribute(x, target=2) for method in (GuidedBackprop, Deconvolution, FeatureAblation)]
    found += [GuidedGradCam(model, model.convolution).attribute(x, target=1)]
    found += [LayerConductance(model, model.activation).attribute(x, target=1, n_steps=10)]
    found += [LayerIntegratedGradients(model, model.convolution).attribute(x, target=1, n_steps=10)]
    found += [NeuronGradient(model, model.convolution).attribute(x, (0, 1, 1))]
    return [summary(f) for f in found]
