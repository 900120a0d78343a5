# SPDX-License-Identifier: MIT
"""A search for hyper-parameters with Optuna, which stops bad trials early.

    python examples/search_optuna.py --data DIR

DIR holds the four IDX files of MNIST (the default is the folder PLAIT_DATA names). Only 2,000 images are learned
from, so that the choice matters: the shape of the network (an MLP or a CNN, its width), dropout, the optimizer, its
learning rate, weight decay, batch size, label smoothing, how far images are shifted. Trials are compared on 2,000
other images, and the three best again from other seeds. The surest is then trained beside the default from several
more, and both are tested on images that no decision has seen. Needs `pip install optuna`.
Writes search_optuna.safetensors (the weights of the best) and search_optuna.png (the trials; what matters).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
from matplotlib.ticker import MaxNLocator
from tqdm import tqdm

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.datasets import MNIST
from plait.utils.data import DataLoader, TensorDataset

from _report import STYLE, plt
from _training import accuracy, options, predict, save_and_reload, start

Images = tuple[plait.Tensor, plait.Tensor]

# What a first program has: an MLP of 128 hidden units, Adam at its usual rate.
DEFAULT: dict[str, Any] = {
    "net": "mlp", "width": 128, "dropout": 0.0, "optimizer": "Adam", "lr": 1e-3, "weight_decay": 0.0,
    "batch_size": 32, "smoothing": 0.0, "shift": 0,
}  # fmt: skip


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """One point of the space. Rates and widths are tried evenly in their logarithm."""
    return {
        "net": trial.suggest_categorical("net", ["mlp", "cnn"]),
        "width": trial.suggest_int("width", 32, 256, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        "optimizer": trial.suggest_categorical("optimizer", ["Adam", "AdamW", "SGD"]),
        "lr": trial.suggest_float("lr", 1e-4, 1e-1, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True),
        "batch_size": trial.suggest_categorical("batch_size", [16, 32, 64, 128]),
        "smoothing": trial.suggest_float("smoothing", 0.0, 0.2),
        "shift": trial.suggest_int("shift", 0, 3),
    }


def build(choice: dict[str, Any]) -> nn.Module:
    """Images (N, 1, 28, 28) to scores (N, 10)."""
    width, dropout = choice["width"], nn.Dropout(choice["dropout"])
    if choice["net"] == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), dropout, nn.Linear(width, 10))
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 7 * 7, width), nn.ReLU(), dropout, nn.Linear(width, 10),
    )  # fmt: skip


def optimizer_of(model: nn.Module, choice: dict[str, Any]) -> plait.optim.Optimizer:
    rates = {"lr": choice["lr"], "weight_decay": choice["weight_decay"]}
    if choice["optimizer"] == "SGD":
        return plait.optim.SGD(model.parameters(), momentum=0.9, **rates)
    return getattr(plait.optim, choice["optimizer"])(model.parameters(), **rates)


def shifted(images: plait.Tensor, most: int) -> plait.Tensor:
    """A batch moved by up to `most` pixels, the whole of it by the same random step."""
    if most == 0:
        return images
    down, right = plait.randint(-most, most + 1, (2,)).tolist()
    return F.pad(images, (right, -right, down, -down))


def fit(choice: dict[str, Any], train: Images, valid: Images, epochs: int, seed: int, trial: Any = None) -> Any:
    """The trained network and the share of `valid` it has right. Tells a trial each epoch, and stops if told to."""
    plait.manual_seed(seed)
    model = build(choice)
    optimizer = optimizer_of(model, choice)
    loader = DataLoader(TensorDataset(*train), batch_size=choice["batch_size"], shuffle=True)
    schedule = plait.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    right = 0.0
    for epoch in range(epochs):
        model.train()
        for images, targets in loader:
            scores = model(shifted(images, choice["shift"]))
            loss = F.cross_entropy(scores, targets, label_smoothing=choice["smoothing"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        right = accuracy(predict(model, valid[0]), valid[1])
        if trial is not None:
            trial.report(right, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
    return model, right


def search(train: Images, valid: Images, args: Any) -> optuna.Study:
    """TPE proposes; a trial that is below the median of the others at the same epoch is pruned."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=args.seed, n_startup_trials=10, multivariate=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
    )
    study.enqueue_trial({**DEFAULT, "weight_decay": 1e-6})  # the first trial is the default
    with tqdm(total=args.trials, desc="trials", ncols=100) as bar:

        def told(study: optuna.Study, trial: Any) -> None:
            done = [t.value for t in study.trials if t.state.name == "COMPLETE"]
            bar.set_postfix_str(f"best {max(done, default=0.0):.2%}")
            bar.update()

        study.optimize(
            lambda trial: fit(suggest(trial), train, valid, args.epochs, args.seed, trial)[1],
            n_trials=args.trials, n_jobs=args.jobs, callbacks=[told],
        )  # fmt: skip
    return study


def surest(study: optuna.Study, train: Images, valid: Images, args: Any) -> Any:
    """The best of many trials was partly lucky, and may fail from another seed. The three best are trained again from
    two others, and the one whose worst result is best is taken."""
    done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    finalists = sorted(done, key=lambda trial: -trial.value)[:3]
    worst = [
        min(trial.value, *(fit(trial.params, train, valid, args.epochs, args.seed + more)[1] for more in (100, 101)))
        for trial in tqdm(finalists, desc="the three best again", ncols=100)
    ]
    return finalists[int(np.argmax(worst))]


def draw(path: Path, study: optuna.Study, chosen: Any, tests: dict[str, list[float]], importance: Any) -> None:
    """Left: each trial's accuracy by epoch. Middle: the share of the spread each choice explains. Right: the test."""
    with plt.rc_context(STYLE):
        figure, (curves, bars, result) = plt.subplots(
            1, 3, figsize=(12, 4), layout="constrained", width_ratios=[1.35, 1, 0.7]
        )
        for trial in study.trials:
            epochs, values = zip(*sorted(trial.intermediate_values.items()), strict=True)
            pruned = trial.state.name == "PRUNED"
            color, width = ("#c0392b", 0.8) if pruned else ("#8a94a6", 1.0)
            if trial.number == chosen.number:
                color, width = "#1f5fbf", 2.5
            places = [epoch + 1 for epoch in epochs]
            curves.plot(places, [100 * v for v in values], color=color, linewidth=width, marker="o", markersize=2)
        for name, color in (("best", "#1f5fbf"), ("completed", "#8a94a6"), ("pruned", "#c0392b")):
            curves.plot([], [], color=color, label=name)
        curves.set(title="Every trial, % right", xlabel="epoch", ylim=(0, 100))
        curves.xaxis.set_major_locator(MaxNLocator(integer=True))
        curves.legend(loc="lower right")
        names = list(importance)[::-1]
        bars.barh([name.replace("_", " ") for name in names], [importance[name] for name in names], color="#1f5fbf")
        bars.set_title("What mattered")
        bars.grid(axis="y", visible=False)
        for place, (name, values) in enumerate(tests.items()):
            values = [100 * value for value in values]
            result.scatter([place] * len(values), values, color="#8a94a6" if name == "default" else "#1f5fbf")
            result.annotate(f"{np.mean(values):.2f}", (place, np.mean(values)), (9, -3), textcoords="offset points")
        result.set_xticks(range(len(tests)), tests)
        result.set(title="Test, % right, by seed", xlim=(-0.5, len(tests) - 0.2))
        best, default = np.mean(tests["best"]), np.mean(tests["default"])
        figure.suptitle(
            f"{len(study.trials)} trials on 2,000 digits: {default:.2%} by default, {best:.2%} by the best",
            fontsize=14, x=0.01, ha="left",
        )  # fmt: skip
        figure.savefig(path, dpi=85)
        plt.close(figure)


def main() -> None:
    parser = options(
        "search_optuna.py", "Search hyper-parameters with Optuna.",
        short={"trials": 10, "epochs": 4, "repeats": 1, "tested": 2000}, epochs=8,
    )  # fmt: skip
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--trials", type=int, default=40, help="points of the space to try")
    parser.add_argument("--jobs", type=int, default=1, help="trials at a time (the order then depends on time)")
    parser.add_argument("--repeats", type=int, default=3, help="seeds for the comparison at the end")
    parser.add_argument("--tested", type=int, default=10000, help="test images")
    args = parser.parse_args()
    start(args)

    data, test = MNIST(args.data, train=True), MNIST(args.data, train=False)
    train = data.images[:2000], data.targets[:2000]
    valid = data.images[2000:4000], data.targets[2000:4000]
    tested = test.images[: args.tested], test.targets[: args.tested]
    study = search(train, valid, args)
    chosen = surest(study, train, valid, args)
    best = chosen.params

    tests: dict[str, list[float]] = {"default": [], "best": []}
    for seed in tqdm(range(1, args.repeats + 1), desc="again, from other seeds", ncols=100):
        for name, choice in (("default", DEFAULT), ("best", best)):
            model, right = fit(choice, train, tested, args.epochs, args.seed + seed)
            tests[name].append(right)
    reloaded = save_and_reload(model, build(best), args.output / "search_optuna.safetensors")
    assert accuracy(predict(reloaded, tested[0]), tested[1]) == tests["best"][-1], "the reloaded network differs"

    importance = optuna.importance.get_param_importances(study)
    pruned = sum(trial.state.name == "PRUNED" for trial in study.trials)
    print("best: " + ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in best.items()))
    figure = args.output / "search_optuna.png"
    draw(figure, study, chosen, tests, importance)
    default, found = np.mean(tests["default"]), np.mean(tests["best"])
    print(
        f"search_optuna: test accuracy {found:.2%} by the best of {args.trials} trials ({pruned} pruned), "
        f"{default:.2%} by default, gain {100 * (found - default):.2f} points, figure in {figure}"
    )


if __name__ == "__main__":
    main()
