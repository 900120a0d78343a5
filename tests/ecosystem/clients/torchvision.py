# SPDX-License-Identifier: MIT
"""Jobs with torchvision: networks of every kind with their gradients, operators, transforms, images, data sets."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from client import Client, loss_and_gradients, pattern, set_weights, summary

client = Client(
    "torchvision",
    "32 classifiers, detectors trained and asked, segmentation, video, optical flow; operators, transforms v1 and v2, "
    "images, data sets, drawings",
    "videos, images on other devices",
)


def image(height: int = 20, width: int = 30, channels: int = 3, seed: int = 0) -> Any:
    """A smooth picture of uint8: equal in every library that rounds in the same way."""
    import torch

    y, x = torch.arange(height).float()[:, None], torch.arange(width).float()
    planes = [(y * (3 + c) + x * (5 - c) + 40 * c + 17 * seed) % 256 for c in range(channels)]
    return torch.stack(planes).to(torch.uint8)


# ---- Classification ----

# By name: the side of the image, and what the constructor is told.
CLASSIFIERS: dict[str, tuple[int, dict[str, Any]]] = {
    "convnext_tiny": (64, {}),
    "densenet121": (64, {}),
    "densenet169": (64, {}),
    "efficientnet_b0": (64, {}),
    "efficientnet_b1": (64, {}),
    "efficientnet_v2_s": (64, {}),
    "googlenet": (64, {"aux_logits": False, "init_weights": False}),
    "inception_v3": (96, {"aux_logits": False, "init_weights": False}),
    "maxvit_t": (224, {}),
    "mnasnet0_5": (64, {}),
    "mnasnet1_0": (64, {}),
    "mobilenet_v2": (64, {}),
    "mobilenet_v3_large": (64, {}),
    "mobilenet_v3_small": (64, {}),
    "regnet_x_400mf": (64, {}),
    "regnet_x_800mf": (64, {}),
    "regnet_y_400mf": (64, {}),
    "regnet_y_800mf": (64, {}),
    "resnet18": (64, {}),
    "resnet34": (64, {}),
    "resnet50": (64, {}),
    "resnext50_32x4d": (64, {}),
    "shufflenet_v2_x0_5": (64, {}),
    "shufflenet_v2_x1_0": (64, {}),
    "shufflenet_v2_x1_5": (64, {}),
    "squeezenet1_0": (64, {}),
    "squeezenet1_1": (64, {}),
    "swin_t": (64, {}),
    "swin_s": (64, {}),
    "swin_v2_t": (64, {}),
    "vit_b_32": (64, {"image_size": 64}),
    "wide_resnet50_2": (64, {}),
}


def classify(name: str) -> Any:
    """The scores of an image, the loss and the gradients of its class."""
    import torch
    import torchvision

    size, options = CLASSIFIERS[name]
    model = set_weights(getattr(torchvision.models, name)(weights=None, num_classes=10, **options)).eval()
    scores = model(pattern(2, 3, size, size))
    loss = torch.nn.functional.cross_entropy(scores / scores.detach().abs().max(), torch.tensor([3, 7]))
    return [summary(scores), loss_and_gradients(model, loss)]


for _name in CLASSIFIERS:
    client.jobs[_name] = lambda name=_name: classify(name)


@client.job
def training() -> Any:
    """Three steps in train mode: batch statistics, momentum, a schedule."""
    import torch
    import torchvision

    model = set_weights(torchvision.models.resnet18(weights=None, num_classes=10)).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    losses = []
    for step in range(3):
        optimizer.zero_grad()
        loss = loss_of(model(pattern(4, 3, 64, 64, seed=step)), torch.arange(4))
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return [losses, summary(model.bn1.running_mean), summary(model.layer4[0].bn1.running_var)]


@client.job
def quantizable() -> Any:
    """The networks that could be quantised, on values."""
    from torchvision.models import quantization

    found = []
    for name in ("resnet18", "mobilenet_v2", "shufflenet_v2_x0_5"):
        model = set_weights(getattr(quantization, name)(weights=None, quantize=False)).eval()
        found.append(summary(model(pattern(1, 3, 64, 64))))
    return found


# ---- Detection ----

SMALL = {"min_size": 64, "max_size": 80, "num_classes": 4}
# Everything that is sampled at random is taken whole.
WHOLE = {
    "rpn_pre_nms_top_n_train": 60,
    "rpn_post_nms_top_n_train": 30,
    "rpn_pre_nms_top_n_test": 60,
    "rpn_post_nms_top_n_test": 30,
    "rpn_batch_size_per_image": 100_000,
    "box_batch_size_per_image": 1000,
    "box_score_thresh": 0.0,
}
DETECTORS: dict[str, dict[str, Any]] = {
    "fasterrcnn_resnet50_fpn": {**SMALL, **WHOLE},
    "fasterrcnn_resnet50_fpn_v2": {**SMALL, **WHOLE},
    "fasterrcnn_mobilenet_v3_large_fpn": {**SMALL, **WHOLE},
    "maskrcnn_resnet50_fpn": {**SMALL, **WHOLE},
    "keypointrcnn_resnet50_fpn": {**SMALL, **WHOLE, "num_classes": 2},
    "retinanet_resnet50_fpn": {**SMALL, "score_thresh": 0.0, "topk_candidates": 30},
    "fcos_resnet50_fpn": {**SMALL, "score_thresh": 0.0, "topk_candidates": 30},
    "ssd300_vgg16": {"num_classes": 4, "score_thresh": 0.0, "topk_candidates": 30},
    "ssdlite320_mobilenet_v3_large": {"num_classes": 4, "score_thresh": 0.0, "topk_candidates": 30},
}


def targets(classes: int) -> list[dict[str, Any]]:
    """Two boxes in each of two images, with masks and joints."""
    import torch

    masks = torch.zeros(2, 64, 64, dtype=torch.uint8)
    masks[0, 8:36, 6:40] = 1
    masks[1, 12:44, 20:60] = 1
    joints = torch.cat([pattern(2, 17, 2, seed=4) * 10 + 26, torch.ones(2, 17, 1)], 2)
    boxes = torch.tensor([[5.0, 6, 40, 50], [20, 10, 60, 45]])
    labels = torch.tensor([1, 2]).clamp(max=classes - 1)
    one = {"boxes": boxes, "labels": labels, "masks": masks, "keypoints": joints}
    return [one, {**one, "boxes": boxes + torch.tensor([3.0, 2, 3, 2])}]


def detect(name: str) -> Any:
    """The losses and their gradients in train mode; the best boxes in eval mode."""
    import torch
    import torchvision

    options = DETECTORS[name]
    model = getattr(torchvision.models.detection, name)(weights=None, weights_backbone=None, **options)
    model = set_weights(model).train()
    with torch.no_grad():  # weights for heads that do not saturate
        for p in model.parameters():
            p.mul_(0.7)
    images = [pattern(3, 64, 64), pattern(3, 64, 64, seed=1)]
    losses = model(images, targets(options["num_classes"]))
    found = loss_and_gradients(model, sum(losses.values()))
    model.eval()
    with torch.no_grad():
        best = model(images)[0]
    return [[losses[k].item() for k in sorted(losses)], found, best["scores"][:3].tolist(), best["boxes"][0].tolist()]


for _name in DETECTORS:
    client.jobs[_name] = lambda name=_name: detect(name)


# ---- Segmentation, video, optical flow ----


@client.job
def segmentation() -> Any:
    import torchvision

    found = []
    for name in ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"):
        make = getattr(torchvision.models.segmentation, name)
        options = {} if "lraspp" in name else {"aux_loss": "fcn" in name}
        model = set_weights(make(weights=None, weights_backbone=None, num_classes=5, **options)).eval()
        out = model(pattern(1, 3, 64, 64))
        found.append([summary(out[k]) for k in sorted(out)])
        found.append(loss_and_gradients(model, sum(v.square().mean() for v in out.values())))
    return found


VIDEO: dict[str, tuple[int, int]] = {  # frames, side
    "r3d_18": (8, 48),
    "mc3_18": (8, 48),
    "r2plus1d_18": (8, 48),
    "s3d": (16, 224),
    "swin3d_t": (8, 64),
    "mvit_v1_b": (16, 224),
    "mvit_v2_s": (16, 224),
}


def watch(name: str) -> Any:
    """The scores of a video; the gradients for the short ones."""
    import torch
    import torchvision

    frames, side = VIDEO[name]
    model = set_weights(getattr(torchvision.models.video, name)(weights=None, num_classes=10)).eval()
    video = pattern(1, 3, frames, side, side)
    if side > 64:
        with torch.no_grad():
            return summary(model(video))
    scores = model(video)
    return [summary(scores), loss_and_gradients(model, scores.square().mean())]


for _name in VIDEO:
    client.jobs[_name] = lambda name=_name: watch(name)


@client.job
def optical_flow() -> Any:
    import torchvision

    model = set_weights(torchvision.models.optical_flow.raft_small(weights=None)).eval()
    flows = model(pattern(1, 3, 128, 128), pattern(1, 3, 128, 128, seed=1), num_flow_updates=2)
    return [*map(summary, flows), loss_and_gradients(model, flows[-1].square().mean())]


# ---- Operators ----


def boxes_and_scores(n: int = 40) -> tuple[Any, Any]:
    """Boxes that overlap, and scores that all differ."""
    import torch

    corners = pattern(n, 2) * 40 + 50
    return torch.cat([corners, corners + pattern(n, 2, seed=1) * 15 + 20], 1), pattern(n, seed=2)


@client.job
def box_functions() -> Any:
    import torch
    from torchvision import ops

    boxes, scores = boxes_and_scores()
    labels = torch.arange(40) % 3
    masks = torch.zeros(2, 20, 20)
    masks[0, 3:9, 4:8] = masks[1, 10:12, 0:19] = 1
    return [
        ops.nms(boxes, scores, 0.4).tolist(),
        ops.batched_nms(boxes, scores, labels, 0.3).tolist(),
        ops.boxes._batched_nms_vanilla(boxes, scores, labels, 0.3).tolist(),
        summary(ops.box_iou(boxes, boxes[:7])),
        summary(ops.generalized_box_iou(boxes, boxes[:7])),
        summary(ops.distance_box_iou(boxes, boxes[:7])),
        summary(ops.complete_box_iou(boxes, boxes[:7])),
        summary(ops.box_iou(boxes[:, [0, 1, 2, 3, 0]], boxes[:9, [0, 1, 2, 3, 1]], fmt="cxcywhr")),
        summary(ops.box_area(boxes)),
        summary(ops.box_convert(boxes, "xyxy", "cxcywh")),
        summary(ops.clip_boxes_to_image(boxes, (60, 70))),
        ops.remove_small_boxes(boxes, 20).tolist(),
        ops.masks_to_boxes(masks).tolist(),
    ]


@client.job
def box_losses() -> Any:
    import torch
    from torchvision import ops

    found = []
    for loss in (ops.generalized_box_iou_loss, ops.distance_box_iou_loss, ops.complete_box_iou_loss):
        boxes = boxes_and_scores(12)[0].requires_grad_()
        value = loss(boxes, boxes_and_scores(24)[0][12:], reduction="mean")
        value.backward()
        found.append([value.item(), *summary(boxes.grad)])
    x = pattern(30).requires_grad_()
    value = ops.sigmoid_focal_loss(x * 3, (torch.arange(30) % 4 == 0).float(), reduction="sum")
    value.backward()
    return [*found, value.item(), summary(x.grad)]


@client.job
def region_operators() -> Any:
    import torch
    from torchvision import ops

    boxes = torch.cat([torch.arange(40).float()[:, None] % 2, boxes_and_scores()[0]], 1)
    layers = {
        "align": ops.RoIAlign(5, 0.25, 2),
        "align as many as cells": ops.RoIAlign((3, 4), 0.25, -1, aligned=True),
        "pool": ops.RoIPool(4, 0.25),
        "align by position": ops.PSRoIAlign(2, 0.25, 2),
        "pool by position": ops.PSRoIPool(2, 0.25),
    }
    found = []
    for layer in layers.values():
        x = pattern(2, 12, 30, 32).requires_grad_()
        y = layer(x, boxes)
        y.square().sum().backward()
        found.append([summary(y), summary(x.grad)])
    pooled = ops.MultiScaleRoIAlign(["a", "b"], 3, 2)(
        {"a": pattern(2, 4, 32, 32), "b": pattern(2, 4, 16, 16)}, [boxes[:9, 1:], boxes[9:20, 1:]], [(128, 128)] * 2
    )
    return [*found, summary(pooled)]


@client.job
def deformable_convolution() -> Any:
    from torchvision import ops

    layer = set_weights(ops.DeformConv2d(6, 8, 3, padding=1, stride=2, groups=2))
    inputs = [pattern(2, 6, 9, 10), pattern(2, 2 * 3 * 9, 5, 5, seed=1) * 2, pattern(2, 3 * 9, 5, 5, seed=2)]
    for t in inputs:
        t.requires_grad_()
    y = layer(*inputs)
    y.square().sum().backward()
    return [summary(y), *(summary(t.grad) for t in (*inputs, *layer.parameters()))]


@client.job
def layers() -> Any:
    import torch
    from torchvision import ops

    maps = {"a": pattern(1, 4, 16, 16), "b": pattern(1, 6, 8, 8)}
    pyramid = set_weights(ops.FeaturePyramidNetwork([4, 6], 8, ops.feature_pyramid_network.LastLevelMaxPool()))
    x = pattern(2, 8, 10, 10)
    others = [
        ops.SqueezeExcitation(8, 4),
        ops.Conv2dNormActivation(8, 6, 3, stride=2),
        ops.Permute([0, 2, 3, 1]),
        ops.StochasticDepth(0.5, "row"),
        ops.DropBlock2d(0.5, 3),
        ops.FrozenBatchNorm2d(8),
    ]
    mlp = set_weights(ops.MLP(8, [5, 3], norm_layer=torch.nn.LayerNorm, dropout=0.1)).eval()
    return [
        *map(summary, pyramid(maps).values()),
        *(summary(set_weights(layer).eval()(x)) for layer in others),
        summary(mlp(pattern(4, 8))),
    ]


# ---- Transforms ----


@client.job
def transforms_of_tensors() -> Any:
    import torch
    from torchvision.transforms import InterpolationMode, v2
    from torchvision.transforms.v2 import functional as F

    picture, floats = image(), image().float() / 255
    steps = v2.Compose(
        [
            v2.Resize((16, 24), antialias=True),
            v2.CenterCrop(12),
            v2.Pad(2, padding_mode="reflect"),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.5] * 3, [0.2] * 3),
        ]
    )
    near = InterpolationMode.BILINEAR
    return [
        summary(steps(picture)),
        summary(F.gaussian_blur(floats, [3, 5], [0.8, 1.2])),
        summary(F.rotate(floats, 30.0, interpolation=near, expand=True)),
        summary(F.affine(floats, 10.0, [2, 3], 0.9, [5.0, 0.0], interpolation=near)),
        summary(F.perspective(floats, [[0, 0], [29, 0], [29, 19], [0, 19]], [[2, 1], [27, 3], [28, 18], [1, 17]])),
        summary(F.elastic(floats, pattern(1, 20, 30, 2) * 0.1)),
        summary(F.adjust_brightness(picture, 1.3)),
        summary(F.adjust_contrast(picture, 0.7)),
        summary(F.adjust_saturation(picture, 1.4)),
        summary(F.adjust_hue(floats, 0.1)),
        summary(F.adjust_sharpness(picture, 2.0)),
        summary(F.adjust_gamma(floats, 0.8)),
        summary(F.equalize(picture)),
        summary(F.autocontrast(picture)),
        summary(F.posterize(picture, 3)),
        summary(F.solarize(picture, 100)),
        summary(F.invert(picture)),
        summary(F.rgb_to_grayscale(picture)),
        summary(F.five_crop(picture, [8, 9])[4]),
        summary(F.horizontal_flip(picture)),
        summary(F.vertical_flip(picture)),
        summary(F.erase(picture, 2, 3, 5, 6, torch.zeros(3, 1, 1, dtype=torch.uint8))),
    ]


@client.job
def transforms_of_boxes() -> Any:
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    sample = {
        "image": tv_tensors.Image(image()),
        "boxes": tv_tensors.BoundingBoxes(
            torch.tensor([[2.0, 3, 10, 12], [5, 5, 29, 19]]), format="XYXY", canvas_size=(20, 30)
        ),
        "mask": tv_tensors.Mask(image(channels=1) // 128),
        "labels": torch.tensor([1, 2]),
    }
    steps = v2.Compose(
        [
            v2.RandomHorizontalFlip(1.0),
            v2.Resize((40, 60)),
            v2.CenterCrop(30),
            v2.ClampBoundingBoxes(),
            v2.SanitizeBoundingBoxes(),
            v2.ConvertBoundingBoxFormat("CXCYWH"),
        ]
    )
    out = steps(sample)
    kinds = [type(out[k]).__name__ for k in ("image", "boxes", "mask")]
    if kinds != ["Image", "BoundingBoxes", "Mask"]:
        raise AssertionError(kinds)
    plain = out["image"] + 1
    return [
        out["boxes"].tolist(),
        list(out["boxes"].canvas_size),
        out["labels"].tolist(),
        summary(out["image"]),
        summary(out["mask"]),
        [
            float(type(plain) is torch.Tensor),
            float(isinstance(tv_tensors.wrap(plain, like=out["image"]), torch.Tensor)),
        ],
    ]


@client.job
def transforms_of_images() -> Any:
    import torch
    from torchvision import transforms as v1
    from torchvision.transforms import functional as F

    picture = F.to_pil_image(image())
    steps = v1.Compose(
        [v1.Resize(18), v1.CenterCrop(16), v1.Grayscale(3), v1.ToTensor(), v1.Normalize([0.5] * 3, [0.5] * 3)]
    )
    return [
        summary(steps(picture)),
        summary(F.pil_to_tensor(F.rotate(picture, 20))),
        summary(F.pil_to_tensor(F.adjust_hue(picture, 0.2))),
        summary(F.pil_to_tensor(F.resized_crop(picture, 2, 3, 10, 12, [9, 9]))),
        summary(v1.ConvertImageDtype(torch.float32)(image())),
        summary(v1.RandomErasing(1.0, value=0)(image().float()).isfinite()),
        summary(v1.RandomHorizontalFlip(0.0)(image())),
        summary(v1.LinearTransformation(torch.eye(12) * 2, torch.zeros(12))(pattern(3, 2, 2))),
    ]


@client.job
def random_transforms() -> Any:
    """What random transforms give has the right shape and range; the draws are the library's own."""
    import torch
    from torchvision.transforms import v2

    found = []
    for step in (
        v2.RandomResizedCrop(8),
        v2.RandomCrop(8, padding=2),
        v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
        v2.RandAugment(),
        v2.AutoAugment(),
        v2.TrivialAugmentWide(),
        v2.AugMix(),
        v2.RandomAffine(20, (0.1, 0.1), (0.8, 1.2), 10),
        v2.RandomPerspective(p=1.0),
        v2.ElasticTransform(),
        v2.RandomErasing(p=1.0),
        v2.GaussianNoise() if hasattr(v2, "GaussianNoise") else v2.Identity(),
        v2.RandomPhotometricDistort(p=1.0),
        v2.RandomZoomOut(p=1.0),
        v2.ScaleJitter((30, 30)),
    ):
        x = image(64, 48) if "Noise" not in type(step).__name__ else image().float() / 255
        y = step(x)
        found.append([y.dim(), y.shape[0], float(y.dtype == x.dtype)])
    mixed, weights = v2.MixUp(num_classes=4)(pattern(4, 3, 8, 8), torch.arange(4))
    cut, labels = v2.CutMix(num_classes=4)(pattern(4, 3, 8, 8), torch.arange(4))
    return [*found, list(mixed.shape), list(cut.shape), weights.sum().item(), labels.sum().item()]


# ---- Images, data sets, drawings ----


@client.job
def images() -> Any:
    import torch
    from torchvision import io

    with tempfile.TemporaryDirectory() as folder:
        picture, gray = image(24, 36), image(24, 36, 1)
        io.write_png(picture, f"{folder}/a.png")
        io.write_png(gray, f"{folder}/g.png")
        io.write_jpeg(picture, f"{folder}/a.jpg", quality=90)
        io.write_file(f"{folder}/raw", torch.arange(9, dtype=torch.uint8))
        png, jpeg = io.read_image(f"{folder}/a.png"), io.read_image(f"{folder}/a.jpg")
        if not torch.equal(png, picture):
            raise AssertionError("a PNG file changes the image")
        return [
            summary(jpeg),
            list(jpeg.shape),
            summary(io.read_image(f"{folder}/g.png", io.ImageReadMode.RGB)),
            list(io.read_image(f"{folder}/g.png").shape),
            summary(io.read_image(f"{folder}/a.jpg", io.ImageReadMode.GRAY)),
            summary(io.decode_image(io.encode_jpeg(picture))),
            summary(io.decode_png(io.encode_png(gray, 9))),
            io.read_file(f"{folder}/raw").tolist(),
        ]


@client.job
def datasets() -> Any:
    import numpy as np
    import torch
    from PIL import Image
    from torchvision import datasets, transforms

    with tempfile.TemporaryDirectory() as folder:
        for label in ("cat", "dog"):
            (Path(folder) / label).mkdir()
            for i in range(2):
                pixels = image(10, 12, seed=i + len(label)).permute(1, 2, 0).numpy()
                Image.fromarray(np.ascontiguousarray(pixels)).save(f"{folder}/{label}/{i}.png")
        found = datasets.ImageFolder(folder, transforms.ToTensor())
        loader = torch.utils.data.DataLoader(found, batch_size=3)
        batches = [[*summary(x), *y.tolist()] for x, y in loader]
        classes = [found.class_to_idx[c] for c in ("cat", "dog")]
    fake = datasets.FakeData(5, (3, 8, 8), 4, transforms.ToTensor())
    return [batches, classes, len(fake), list(fake[0][0].shape)]


@client.job
def drawings() -> Any:
    import torch
    from torchvision import utils

    boxes = torch.tensor([[2.0, 3, 20, 15], [10, 5, 28, 18]])
    masks = torch.zeros(2, 20, 30, dtype=torch.bool)
    masks[0, 3:9, 4:12] = masks[1, 8:15, 10:25] = True
    with tempfile.TemporaryDirectory() as folder:
        utils.save_image(torch.stack([image().float() / 255] * 3), f"{folder}/grid.png", nrow=2)
        from PIL import Image

        saved = torch.tensor(list(Image.open(f"{folder}/grid.png").size))
    return [
        summary(utils.make_grid(torch.stack([image(seed=s).float() for s in range(5)]), nrow=3, normalize=True)),
        summary(utils.draw_bounding_boxes(image(), boxes, colors=["red", "blue"], width=2)),
        summary(utils.draw_segmentation_masks(image(), masks, alpha=0.6, colors=["red", (0, 255, 0)])),
        summary(utils.draw_keypoints(image(), torch.tensor([[[5.0, 6], [20, 10]]]), colors="blue", radius=2)),
        summary(utils.flow_to_image(pattern(2, 10, 12))),
        saved.tolist(),
    ]


@client.job
def features() -> Any:
    import torchvision
    from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

    model = set_weights(torchvision.models.resnet18(weights=None)).eval()
    names = get_graph_node_names(model)[0]
    found = create_feature_extractor(model, {"layer1": "a", "layer3.0.conv1": "b"})(pattern(1, 3, 64, 64))
    return [len(names), summary(found["a"]), summary(found["b"])]
