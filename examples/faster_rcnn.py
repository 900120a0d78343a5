# SPDX-License-Identifier: MIT
"""Finds digits on cluttered canvases in two stages: torchvision's Faster R-CNN on a small net of one's own.

    python -m plait examples/faster_rcnn.py --data DIR

DIR holds the IDX files of MNIST (the default is the folder PLAIT_DATA names). The canvases are those of
detect_digits.py. Faster R-CNN (Ren et al., 2015) first proposes regions: a small net looks at every place of the
features and says of a few shapes laid there, the anchors, whether they hold something, and how to move them. Then each
region's features are cut out and resampled to one size (RoIAlign), and a second net names the digit and moves the box
once more. The features come from two sizes, joined by a pyramid (Lin et al., 2017). The backbone is a few convolutions;
all else is torchvision's, which builds on `nms` and `roi_align`: under `python -m plait` these are plait's.
Needs `pip install torchvision`.
Writes faster_rcnn.safetensors (the weights) and faster_rcnn.png (boxes found, curves, precision of each digit).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

from _canvases import SIZE, Canvases, scatter
from _detection import Backbone, Found, average_precisions, train_and_test
from _training import EpochBar, options, start

WIDTH, REGION = 48, 5  # channels of the pyramid; a region is resampled to 5 x 5


class Pyramid(nn.Module):
    """Images (N, 1, 64, 64) to two maps of WIDTH channels: 16 x 16 and 8 x 8."""

    out_channels = WIDTH  # FasterRCNN asks for it

    def __init__(self) -> None:
        super().__init__()
        self.body = Backbone()
        self.pyramid = FeaturePyramidNetwork(list(Backbone.channels.values()), WIDTH)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return self.pyramid(self.body(images))


def build() -> FasterRCNN:
    shapes = (1.0, 1.6, 4.0)  # height by width: a 0, most digits, a 1
    return FasterRCNN(
        Pyramid(),
        num_classes=None,  # said by the predictor below
        rpn_anchor_generator=AnchorGenerator(sizes=((14,), (21,)), aspect_ratios=(shapes, shapes)),
        box_roi_pool=MultiScaleRoIAlign(list(Backbone.channels), output_size=REGION, sampling_ratio=2),
        box_head=TwoMLPHead(WIDTH * REGION**2, 128),
        box_predictor=Predictor(128, 11),  # label 0 is the background
        # The canvases stay as they are: neither scaled nor normalised.
        min_size=SIZE, max_size=SIZE, image_mean=[0.0], image_std=[1.0],
        # A canvas holds at most 4 digits: dozens of proposals do.
        rpn_pre_nms_top_n_train=80, rpn_pre_nms_top_n_test=80, rpn_post_nms_top_n_train=40, rpn_post_nms_top_n_test=25,
        rpn_batch_size_per_image=64, box_batch_size_per_image=24, box_detections_per_img=15,
    )  # fmt: skip


class Predictor(nn.Module):
    """Features of regions (R, inputs) to scores (R, classes) and movements of the box for each class (R, 4 classes)."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.scores = nn.Linear(inputs, classes)
        self.moves = nn.Linear(inputs, 4 * classes)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.scores(x), self.moves(x)


@torch.no_grad()
def detect(model: FasterRCNN, images: torch.Tensor) -> list[Found]:
    """The boxes found in each image, with labels 0 to 9."""
    model.eval()
    found = [one for part in images.split(50) for one in model(list(part))]
    return [one | {"labels": one["labels"] - 1} for one in found]


def fit(model: FasterRCNN, digits: Any, test: Canvases, args: Any) -> tuple[list[float], list[float]]:
    """AdamW with a rate that rises, then falls; new canvases in every epoch. Returns losses and mAPs."""
    steps = -(-args.canvases // args.batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, args.epochs * steps, pct_start=0.15)
    losses, means = [], []
    for epoch in range(1, args.epochs + 1):
        train, total = scatter(digits, args.canvases, args.seed + epoch), 0.0
        targets = [
            {"boxes": boxes, "labels": labels + 1} for boxes, labels in zip(train.boxes, train.labels, strict=True)
        ]
        model.train()
        with EpochBar(range(0, len(train), args.batch_size), epoch, args.epochs) as bar:
            for first in bar:
                part = slice(first, first + args.batch_size)
                parts = model(list(train.images[part]), targets[part])  # in training it returns its four losses
                loss = sum(parts.values())
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 5.0)
                optimizer.step()
                schedule.step()
                total += loss.item() / steps
                bar.set_postfix_str(f"loss {loss.item():.3f}", refresh=False)
            means.append(average_precisions(detect(model, test.images), test).mean())
            losses.append(total)
            bar.set_postfix_str(f"loss {total:.3f}, test mAP {means[-1]:.3f}")
    return losses, means


def main() -> None:
    short = {"epochs": 3, "canvases": 800, "tested": 60}
    parser = options("faster_rcnn.py", "Find digits with Faster R-CNN.", short=short,
                     epochs=11, batch_size=16, lr=3e-3)  # fmt: skip
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--canvases", type=int, default=1000, help="canvases in an epoch")
    parser.add_argument("--tested", type=int, default=300, help="canvases to test with")
    args = parser.parse_args()
    start(args)
    train_and_test("faster_rcnn", "Faster R-CNN", args, build, fit, detect)


if __name__ == "__main__":
    main()
