# SPDX-License-Identifier: MIT
"""Jobs with timm: one network of each family, and what its training scripts use."""

from __future__ import annotations

import functools
from typing import Any

from client import Client, check_network, pattern, set_weights, summary

client = Client("timm", "50 networks of as many families with gradients; mixup, EMA, optimizers, features")

# Sizes of the images: the smallest that the architecture takes.
NETWORKS = {
    "resnet10t": 64,
    "resnext26ts": 64,
    "seresnext26d_32x4d": 64,
    "skresnet18": 64,
    "res2net50_14w_8s": 64,
    "resnest14d": 64,
    "ecaresnet26t": 64,
    "cspresnet50": 64,
    "cs3darknet_s": 64,
    "darknet17": 64,
    "densenet121": 64,
    "dla34": 64,
    "dpn48b": 64,
    "vovnet39a": 64,
    "hrnet_w18_small": 64,
    "inception_v3": 96,
    "inception_next_atto": 64,
    "xception41": 64,
    "repvgg_a0": 64,
    "regnetx_002": 64,
    "regnety_002": 64,
    "nf_regnet_b0": 64,
    "efficientnet_b0": 64,
    "tf_efficientnetv2_b0": 64,
    "mobilenetv2_050": 64,
    "mobilenetv3_small_050": 64,
    "mobilenetv4_conv_small": 64,
    "mnasnet_small": 64,
    "fbnetc_100": 64,
    "lcnet_035": 64,
    "tinynet_e": 64,
    "ghostnet_050": 64,
    "hardcorenas_a": 64,
    "fasternet_t0": 64,
    "starnet_s1": 64,
    "mobileone_s0": 64,
    "rexnet_100": 64,
    "convnext_atto": 64,
    "convnextv2_atto": 64,
    "edgenext_xx_small": 64,
    "efficientvit_b0": 64,
    "mobilevit_xxs": 64,
    "poolformer_s12": 64,
    "pvt_v2_b0": 64,
    "focalnet_tiny_srf": 64,
    "levit_128s": 224,
    "vit_tiny_patch16_224": 224,
    "deit_tiny_distilled_patch16_224": 224,
    "swin_tiny_patch4_window7_224": 224,
    "mixer_s32_224": 224,
}


def network(name: str) -> Any:
    import timm

    return check_network(timm.create_model(name, pretrained=False, num_classes=7), NETWORKS[name])


for _name in NETWORKS:
    client.jobs[_name] = functools.partial(network, _name)


@client.job
def features() -> Any:
    import timm

    model = set_weights(timm.create_model("resnet10t", features_only=True, pretrained=False)).eval()
    return [summary(f) for f in model(pattern(1, 3, 64, 64))]


@client.job
def optimizers() -> Any:
    import torch
    from timm.optim import create_optimizer_v2

    found = []
    for name in ("sgd", "adamw", "lamb", "lion", "adopt", "nadamw", "rmsproptf", "adafactor"):
        model = set_weights(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.GELU(), torch.nn.Linear(8, 1)))
        optimizer = create_optimizer_v2(model, opt=name, lr=1e-2, weight_decay=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            model(pattern(16, 4)).square().mean().backward()
            optimizer.step()
        found.append([summary(p) for p in model.parameters()])
    return found


@client.job
def training_tools() -> Any:
    import torch
    from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy
    from timm.scheduler import CosineLRScheduler
    from timm.utils import ModelEmaV3, accuracy

    model = set_weights(torch.nn.Linear(4, 3))
    average = ModelEmaV3(model, decay=0.9)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = CosineLRScheduler(optimizer, t_initial=5, warmup_t=2, warmup_lr_init=1e-3)
    target, rates = torch.arange(12) % 3, []
    for epoch in range(4):
        scheduler.step(epoch)
        optimizer.zero_grad()
        loss = LabelSmoothingCrossEntropy(0.1)(model(pattern(12, 4)), target)
        loss = loss + SoftTargetCrossEntropy()(model(pattern(12, 4)), pattern(12, 3).softmax(1))
        loss.backward()
        optimizer.step()
        average.update(model)
        rates.append(optimizer.param_groups[0]["lr"])
    top = accuracy(model(pattern(12, 4)), target, topk=(1, 2))
    return [rates, loss.item(), [t.item() for t in top], [summary(p) for p in average.module.parameters()]]
