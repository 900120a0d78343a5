# SPDX-License-Identifier: MIT
"""Finds digits on cluttered canvases and draws boxes around them: a detector in one stage.

    python -m plait examples/detect_digits.py --data DIR

DIR holds the IDX files of MNIST (the default is the folder PLAIT_DATA names). Each canvas of 64 x 64 pixels holds 1 to
4 digits and scraps of others. The net divides it into 8 x 8 cells. Each cell says how sure it is of each digit, and
where the box lies: the offset of its centre from the cell's and the logarithms of its width and height. In training,
the cells nearest to a digit's centre answer for it. The focal loss (Lin et al., 2017) keeps the many empty cells from
drowning the few others, and the generalised IoU (Rezatofighi et al., 2019) measures boxes that do not even touch the
true one. Several cells find the same digit; non-maximum suppression keeps the surest of boxes that overlap.
Losses, overlaps and suppression are torchvision's, so the program begins with `import torch` and is run by plait.
Needs `pip install torchvision`.
Writes detect_digits.safetensors (the weights) and detect_digits.png (boxes found, curves, precision of each digit).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torchvision.ops import batched_nms, box_convert, generalized_box_iou_loss, sigmoid_focal_loss

from _canvases import SIZE, Canvases, block, scatter
from _detection import Backbone, Found, average_precisions, train_and_test
from _training import EpochBar, options, start

CELL, CELLS = 8, SIZE // 8
AWAY = -1000.0  # where boxes lie that fill up shorter lists: near no cell


def cell_centres() -> torch.Tensor:
    """Their x and y, row by row: (64, 2)."""
    at = CELL * (torch.arange(CELLS) + 0.5)
    return torch.stack([at.repeat(CELLS), at.repeat_interleave(CELLS)], dim=1)


class Detector(nn.Module):
    """Images (N, 1, 64, 64) to scores (N, 64, 10), before the sigmoid, and boxes (N, 64, 4), as x1, y1, x2, y2."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        width = Backbone.channels["small"]
        self.neck = block(width, width)
        self.scores = nn.Conv2d(width, 10, 1)
        self.boxes = nn.Conv2d(width, 4, 1)
        nn.init.constant_(self.scores.bias, -4.0)  # at first every cell is 98% sure of being empty, as most are

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.neck(self.backbone(images)["small"])
        scores = self.scores(features).flatten(2).transpose(1, 2)
        offset, size = self.boxes(features).flatten(2).transpose(1, 2).chunk(2, dim=2)
        centre = cell_centres() + CELL * offset
        size = 2 * CELL * size.clamp(max=3).exp()
        return scores, box_convert(torch.cat([centre, size], dim=2), "cxcywh", "xyxy")


def assign(boxes: list[torch.Tensor], labels: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """For each cell the label of the digit it answers for, or -1, (N, 64), and its box (N, 64, 4).

    These are the cells whose centre is less than a cell's width from that of the box, in x and in y; of two such boxes
    the nearer one.
    """
    padded = pad_sequence(boxes, batch_first=True, padding_value=AWAY)
    centres = box_convert(padded, "xyxy", "cxcywh")[..., :2]
    distance = (cell_centres().unsqueeze(1) - centres.unsqueeze(1)).abs().amax(dim=3)  # (N, 64, K)
    nearest, which = distance.min(dim=2)
    answered = pad_sequence(labels, batch_first=True).gather(1, which)
    return answered.where(nearest < CELL, -1), padded.gather(1, which.unsqueeze(2).expand(-1, -1, 4))


def loss_of(
    model: Detector, images: torch.Tensor, boxes: list[torch.Tensor], labels: list[torch.Tensor]
) -> torch.Tensor:
    scores, guessed = model(images)
    wanted, true = assign(boxes, labels)
    answering = wanted >= 0
    one_hot = (wanted.unsqueeze(2) == torch.arange(10)).float()
    surety = sigmoid_focal_loss(scores, one_hot, alpha=0.25, gamma=2, reduction="sum")
    place = generalized_box_iou_loss(guessed[answering], true[answering], reduction="sum")
    return (surety + place) / answering.sum()


@torch.no_grad()
def detect(model: Detector, images: torch.Tensor, least: float = 0.05) -> list[Found]:
    """The boxes surer than `least`, after non-maximum suppression among those of one digit."""
    model.eval()
    found = []
    for part in images.split(100):
        for scores, boxes in zip(*model(part), strict=True):
            cells, labels = (scores.sigmoid() > least).nonzero().unbind(dim=1)
            sure, boxes = scores.sigmoid()[cells, labels], boxes[cells].clamp(0, SIZE)
            kept = batched_nms(boxes, sure, labels, iou_threshold=0.5)
            found.append({"boxes": boxes[kept], "labels": labels[kept], "scores": sure[kept]})
    return found


def fit(model: Detector, digits: Any, test: Canvases, args: Any) -> tuple[list[float], list[float]]:
    """AdamW with a rate that rises, then falls; new canvases in every epoch. Returns losses and mAPs."""
    steps = -(-args.canvases // args.batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, args.epochs * steps, pct_start=0.15)
    losses, means = [], []
    for epoch in range(1, args.epochs + 1):
        train, total = scatter(digits, args.canvases, args.seed + epoch), 0.0
        model.train()
        with EpochBar(range(0, len(train), args.batch_size), epoch, args.epochs) as bar:
            for first in bar:
                part = slice(first, first + args.batch_size)
                loss = loss_of(model, train.images[part], train.boxes[part], train.labels[part])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item() / steps
                bar.set_postfix_str(f"loss {loss.item():.3f}", refresh=False)
            means.append(average_precisions(detect(model, test.images), test).mean())
            losses.append(total)
            bar.set_postfix_str(f"loss {total:.3f}, test mAP {means[-1]:.3f}")
    return losses, means


def main() -> None:
    short = {"epochs": 3, "canvases": 1500, "tested": 150}
    parser = options("detect_digits.py", "Find digits and draw boxes around them.", short=short,
                     epochs=8, batch_size=25, lr=4e-3)  # fmt: skip
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--canvases", type=int, default=2800, help="canvases in an epoch")
    parser.add_argument("--tested", type=int, default=500, help="canvases to test with")
    args = parser.parse_args()
    start(args)
    train_and_test("detect_digits", "Digits found in one stage", args, Detector, fit, detect)


if __name__ == "__main__":
    main()
