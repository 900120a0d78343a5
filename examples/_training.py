# SPDX-License-Identifier: MIT
"""What the examples share: their options, a training loop for classifiers, and saving and reloading."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

import plait
import plait.nn as nn
from plait.utils.data import DataLoader

from _report import draw_report

Batch = tuple[plait.Tensor, plait.Tensor]


@dataclass
class History:
    """One value per epoch; accuracies are fractions."""

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0


class EpochBar(tqdm):
    """A bar that stays open when its items end, so that what the test found still comes beside it."""

    def __init__(self, items: Any, epoch: int, epochs: int, unit: str = "batch") -> None:
        super().__init__(items, desc=f"epoch {epoch:2d}/{epochs}", unit=unit, ncols=100)

    def __iter__(self) -> Any:
        for item in self.iterable:
            yield item
            self.update()


class _Short(argparse.Action):
    """`--short`: sets several options at once; what follows on the command line still overrides them."""

    def __init__(self, *args: Any, settings: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, nargs=0, default=False, **kwargs)
        self.settings = settings

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        setattr(namespace, self.dest, True)
        for name, value in self.settings.items():
            setattr(namespace, name, value)


def options(
    program: str, description: str, *, short: dict[str, Any] | None = None, **defaults: Any
) -> argparse.ArgumentParser:
    """The options of every example but `--data`. `defaults` sets them; `short` is what `--short` sets them to."""
    parser = argparse.ArgumentParser(
        prog=program, description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--epochs", type=int, help="passes over the training data")
    parser.add_argument("--batch-size", type=int, help="examples per step")
    parser.add_argument("--lr", type=float, help="learning rate at the start")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights and of the order of the data")
    parser.add_argument("--threads", type=int, help="CPU threads, if not all")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).parent,
        help="folder for the trained model and the figure",
    )
    if short is not None:
        text = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in short.items())
        parser.add_argument("--short", action=_Short, settings=short, help=f"a form under a minute: {text}")
    parser.set_defaults(**defaults)
    return parser


def data_folder(name: str) -> Path:
    """The folder `name` in the one that the environment variable PLAIT_DATA names: the default of `--data`."""
    return Path(os.environ.get("PLAIT_DATA", "."), name)


def start(args: argparse.Namespace) -> None:
    """Applies --seed and --threads and makes the output folder."""
    plait.manual_seed(args.seed)
    if args.threads is not None:
        plait.set_num_threads(args.threads)
    args.output.mkdir(parents=True, exist_ok=True)


def predict(model: nn.Module, images: plait.Tensor) -> plait.Tensor:
    """The scores (N, classes) of inputs (N, ...), in evaluation mode."""
    model.eval()
    with plait.no_grad():
        return plait.cat([model(part) for part in images.split(500)])


def accuracy(scores: plait.Tensor, targets: plait.Tensor) -> float:
    """The share of rows whose largest score is the target."""
    return (scores.argmax(dim=1) == targets).sum().item() / len(targets)


def fit(
    model: nn.Module,
    train: DataLoader[Batch],
    test: Batch,
    *,
    epochs: int,
    lr: float,
    label_smoothing: float = 0.0,
    change: Callable[[plait.Tensor, plait.Tensor], plait.Tensor] | None = None,
    one_cycle: bool = False,
) -> History:
    """Trains with AdamW under a cosine schedule, one progress bar per epoch.

    `change`, if given, takes the images and targets of a batch and returns the images to learn from. With `one_cycle`
    it is SGD with momentum, at a rate that rises to `lr` and falls again, step by step (Smith and Topin, 2018).
    """
    criterion = nn.CrossEntropyLoss(label_smoothing=label_smoothing)
    lr_scheduler = plait.optim.lr_scheduler
    if one_cycle:
        optimizer = plait.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
        schedule = lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=epochs * len(train), pct_start=0.2)
    else:
        optimizer = plait.optim.AdamW(model.parameters(), lr=lr)
        schedule = lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    history = History()
    began = time.perf_counter()
    for epoch in range(1, epochs + 1):
        model.train()
        seen, right, total = 0, 0.0, 0.0
        with EpochBar(train, epoch, epochs) as bar:
            for images, targets in bar:
                if change is not None:
                    images = change(images, targets)
                scores = model(images)
                loss = criterion(scores, targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                if one_cycle:
                    schedule.step()

                seen += len(targets)
                right += accuracy(scores, targets) * len(targets)
                total += loss.item() * len(targets)
                bar.set_postfix_str(f"loss {total / seen:.4f}, accuracy {right / seen:.2%}", refresh=False)
            scores = predict(model, test[0])
            test_accuracy = accuracy(scores, test[1])
            bar.set_postfix_str(f"loss {total / seen:.4f}, test accuracy {test_accuracy:.2%}")
        if not one_cycle:
            schedule.step()
        history.train_loss.append(total / seen)
        history.train_accuracy.append(right / seen)
        history.test_loss.append(criterion(scores, test[1]).item())
        history.test_accuracy.append(test_accuracy)
    history.seconds = time.perf_counter() - began
    return history


def save_and_reload(model: nn.Module, fresh: nn.Module, path: Path) -> nn.Module:
    """Writes the weights of `model` to `path`, reads them into `fresh`, and returns that."""
    plait.save(model.state_dict(), path)
    fresh.load_state_dict(plait.load(path))
    return fresh


def finish(
    args: argparse.Namespace,
    name: str,
    title: str,
    history: History,
    model: nn.Module,
    test: Batch,
    classes: Sequence[str] | None = None,
    more: str = "",
) -> None:
    """Tests `model` (the reloaded one), draws the figure and prints the line of result, with `more` in it."""
    scores = predict(model, test[0])
    figure = args.output / f"{name}.png"
    draw_report(figure, title, history, *test, scores.argmax(dim=1), classes)
    print(
        f"{name}: test accuracy {history.test_accuracy[-1]:.2%}, after reloading "
        f"{accuracy(scores, test[1]):.2%}, {more}{args.epochs} epochs in {history.seconds:.1f} s, "
        f"figure in {figure}"
    )
