# SPDX-License-Identifier: MIT
"""Recommends films: matrix factorisation and neural collaborative filtering on MovieLens.

    python examples/movies.py --data DIR

DIR holds ratings.csv and movies.csv of MovieLens (the default is ml-latest-small in the folder PLAIT_DATA names).
Each model learns two tasks: how many stars a person gives a film (RMSE of held-out ratings), and what a person watches
(hit rate: the share of people who find a held-out film among ten recommended). A batch touches few rows of the tables
of people and films: their gradients are sparse, and SparseAdam moves these rows alone.
Writes movies.safetensors (all weights) and movies.png (curves, a map of films).
"""

from __future__ import annotations

import csv
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import pyplot as plt
from tqdm import tqdm

import plait as torch
import plait.nn as nn
import plait.nn.functional as F

from _report import STYLE, label_points, main_plane
from _training import data_folder, options, save_and_reload, start

Loss = tuple[torch.Tensor, list[torch.Tensor]]  # the loss, and the rows of the tables it used
SHOWN = 10  # films in a recommendation
COLOURS = {"factorisation": "#1f5fbf", "neural": "#c0392b"}


@dataclass
class Ratings:
    """Who rated which film how: tensors (N,) of indices, and of stars."""

    people: torch.Tensor
    films: torch.Tensor
    stars: torch.Tensor

    def part(self, rows: Any) -> Ratings:
        return Ratings(self.people[rows], self.films[rows], self.stars[rows])


def read(folder: Path) -> tuple[Ratings, list[str], int]:
    """All ratings, the titles of the rated films, and the number of people."""
    table = np.loadtxt(folder / "ratings.csv", delimiter=",", skiprows=1, usecols=(0, 1, 2))
    people, person = np.unique(table[:, 0], return_inverse=True)
    films, film = np.unique(table[:, 1], return_inverse=True)
    with open(folder / "movies.csv", newline="", encoding="utf-8") as file:
        titles = {int(row["movieId"]): row["title"] for row in csv.DictReader(file)}
    ratings = Ratings(torch.tensor(person), torch.tensor(film), torch.tensor(table[:, 2], dtype=torch.float32))
    return ratings, [titles[int(name)] for name in films], len(people)


class Factorisation(nn.Module):
    """score = offset + bias of the person + bias of the film + dot product of their vectors."""

    def __init__(self, people: int, films: int, size: int = 32, offset: float = 0.0) -> None:
        super().__init__()
        self.person, self.film = (nn.Embedding(count, size, sparse=True) for count in (people, films))
        self.person_bias, self.film_bias = (nn.Embedding(count, 1, sparse=True) for count in (people, films))
        self.offset = offset
        for table in (self.person, self.film):
            nn.init.normal_(table.weight, std=0.05)
        for table in (self.person_bias, self.film_bias):
            nn.init.zeros_(table.weight)

    def rows(self, people: torch.Tensor, films: torch.Tensor) -> list[torch.Tensor]:
        return [self.person(people), self.film(films), self.person_bias(people), self.film_bias(films)]

    def score(self, rows: list[torch.Tensor]) -> torch.Tensor:
        person, film, person_bias, film_bias = rows
        return self.offset + (person * film).sum(-1) + person_bias.squeeze(-1) + film_bias.squeeze(-1)

    def forward(self, people: torch.Tensor, films: torch.Tensor) -> torch.Tensor:
        return self.score(self.rows(people, films))


class Neural(Factorisation):
    """The same, and a small net that reads both vectors and corrects the score."""

    def __init__(self, people: int, films: int, size: int = 32, offset: float = 0.0) -> None:
        super().__init__(people, films, size, offset)
        # One layer on both vectors side by side is the sum of two layers: all pairs need each only once.
        self.from_person, self.from_film = nn.Linear(size, 32), nn.Linear(size, 32, bias=False)
        self.out = nn.Linear(32, 1)
        nn.init.zeros_(self.out.weight)  # it begins as the factorisation

    def score(self, rows: list[torch.Tensor]) -> torch.Tensor:
        hidden = F.relu(self.from_person(rows[0]) + self.from_film(rows[1]))
        return super().score(rows) + self.out(F.dropout(hidden, 0.1, self.training)).squeeze(-1)


def ranking_loss(model: Factorisation, batch: Ratings) -> Loss:
    """-log sigmoid(score of the watched film - score of a random one) (Rendle et al., 2009), and the rows used."""
    others = torch.randint(model.film.num_embeddings, batch.films.shape)
    watched, other = model.rows(batch.people, batch.films), model.rows(batch.people, others)
    return -F.logsigmoid(model.score(watched) - model.score(other)).mean(), watched + other[1::2]


def rating_loss(model: Factorisation, batch: Ratings) -> Loss:
    rows = model.rows(batch.people, batch.films)
    return F.mse_loss(model.score(rows), batch.stars), rows


def rmse(model: Factorisation, test: Ratings) -> float:
    model.eval()
    with torch.no_grad():
        stars = model(test.people, test.films).clamp(0.5, 5.0)
    return F.mse_loss(stars, test.stars).sqrt().item()


def best_films(scores: torch.Tensor, train: Ratings) -> torch.Tensor:
    """The ten best films (people, 10) by scores (people, films), without those that a person has seen."""
    scores = scores.clone()
    scores[train.people, train.films] = -torch.inf
    return scores.topk(SHOWN, dim=1).indices


def all_scores(model: Factorisation) -> torch.Tensor:
    """The scores (people, films) of everybody for everything, eight people at a time."""
    model.eval()
    films = torch.arange(model.film.num_embeddings)
    with torch.no_grad():
        people = torch.arange(model.person.num_embeddings).unsqueeze(1).split(8)
        return torch.cat([model(part, films) for part in people])


def hit_rate(scores: torch.Tensor, train: Ratings, held_out: Ratings) -> float:
    """The share of people with held-out films who find at least one of them among the ten best."""
    liked = torch.zeros(scores.shape, dtype=torch.bool)
    liked[held_out.people, held_out.films] = True
    hits = liked.gather(1, best_films(scores, train)).any(dim=1)
    return (hits.sum() / liked.any(dim=1).sum()).item()


class Question(NamedTuple):
    loss_of: Callable[[Factorisation, Ratings], Loss]
    measure: Callable[[Factorisation, Ratings], float]  # smaller is better
    decay: float  # how hard rows are drawn to zero
    offset: float  # of the score


def fit(name: str, model: nn.Module, question: Question, train: Ratings, held_out: Ratings, args: Any) -> list[float]:
    """Trains, keeps the weights of the epoch with the smallest `measure`, and returns it for each epoch."""
    tables = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)]
    optimizers = [torch.optim.SparseAdam(tables, lr=args.lr)]
    if dense := [weight for layer in model.modules() if isinstance(layer, nn.Linear) for weight in layer.parameters()]:
        optimizers.append(torch.optim.AdamW(dense, lr=args.lr / 5))
    curve: list[float] = []
    best: dict[str, torch.Tensor] = {}
    with tqdm(range(args.epochs), desc=name, unit="epoch", ncols=100) as bar:
        for _ in bar:
            model.train()
            for rows in torch.randperm(len(train.stars)).split(args.batch_size):
                loss, used = question.loss_of(model, train.part(rows))
                # SparseAdam has no weight decay, which would touch every row: draw the batch's to zero.
                loss = loss + question.decay * sum(part.square().sum(-1).mean() for part in used)
                for optimizer in optimizers:
                    optimizer.zero_grad()
                loss.backward()
                for optimizer in optimizers:
                    optimizer.step()
            curve.append(question.measure(model, held_out))
            if curve[-1] == min(curve):
                best = {key: value.clone() for key, value in model.state_dict().items()}
            bar.set_postfix_str(f"{abs(curve[-1]):.4f}")
    model.load_state_dict(best)
    return [abs(value) for value in curve]


def draw(path: Path, curves: dict[str, list[float]], lines: dict[str, float], vectors: Any, titles: list[str]) -> None:
    """Curves of both questions, and the most watched films on the two main directions of their vectors."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 7.6), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.7])
        panels = left.subplots(2, 1)
        for axes, question, line in zip(panels, ("RMSE", "hit rate"), lines, strict=True):
            for kind, colour in COLOURS.items():
                values = curves[f"{kind}, {question}"]
                axes.plot(range(1, len(values) + 1), values, color=colour, marker="o", markersize=3.5, label=kind)
            axes.axhline(lines[line], color="#8a94a6", linestyle="--", label=f"the {line} alone")
            axes.set(title=f"{question} on validation ratings", xlabel="epoch")
            axes.legend()
        axes = right.subplots()
        x, y = main_plane(vectors).T
        axes.scatter(x, y, s=14, color=COLOURS["factorisation"])
        label_points(axes, x, y, titles)
        axes.set_title("Films that the same people watch lie near each other")
        axes.tick_params(labelbottom=False, labelleft=False)
        figure.savefig(path, dpi=90)
        plt.close(figure)


def main() -> None:
    parser = options("movies.py", "Recommend films.", short={"epochs": 4}, epochs=10, batch_size=1024, lr=5e-3)
    parser.add_argument("--data", type=Path, default=data_folder("ml-latest-small"), help="folder of ratings.csv")
    args = parser.parse_args()
    start(args)

    ratings, titles, people = read(args.data)
    order, tenth = torch.randperm(len(ratings.stars)), len(ratings.stars) // 10
    test, validation, train = (ratings.part(order[a:b]) for a, b in ((0, tenth), (tenth, 2 * tenth), (2 * tenth, None)))
    mean = train.stars.mean().item()
    watched = torch.bincount(train.films, minlength=len(titles)).float()

    questions = {
        "RMSE": Question(rating_loss, rmse, 0.04, mean),
        "hit rate": Question(ranking_loss, lambda model, on: -hit_rate(all_scores(model), train, on), 0.01, 0.0),
    }
    models: dict[str, Factorisation] = {}
    curves: dict[str, list[float]] = {}
    began = time.perf_counter()
    for (kind, build), asked in itertools.product((("factorisation", Factorisation), ("neural", Neural)), questions):
        name, question = f"{kind}, {asked}", questions[asked]
        models[name] = build(people, len(titles), offset=question.offset)
        curves[name] = fit(name, models[name], question, train, validation, args)
    seconds = time.perf_counter() - began

    # What is reported comes from the test ratings and from weights that were written and read again.
    fresh = {name: type(model)(people, len(titles), offset=model.offset) for name, model in models.items()}
    save_and_reload(nn.ModuleDict(models), nn.ModuleDict(fresh), args.output / "movies.safetensors")
    measures = {name: questions[name.split(", ")[1]].measure for name in models}
    results = {name: abs(measures[name](model, test)) for name, model in fresh.items()}
    assert all(results[name] == abs(measures[name](model, test)) for name, model in models.items()), "not reloaded"

    lines = {"mean": (test.stars - mean).square().mean().sqrt().item()}
    lines["popularity"] = hit_rate(watched.expand(people, -1), train, test)
    figure = args.output / "movies.png"
    shown = watched.topk(30).indices
    vectors = models["factorisation, hit rate"].film.weight.detach()[shown]
    draw(figure, curves, lines, vectors, [titles[film].split(" (")[0].removesuffix(", The") for film in shown.tolist()])
    print(
        f"movies: RMSE {results['factorisation, RMSE']:.3f} by factorisation, {results['neural, RMSE']:.3f} by the "
        f"neural model, {lines['mean']:.3f} by the mean; hit rate@{SHOWN} {results['factorisation, hit rate']:.1%}, "
        f"{results['neural, hit rate']:.1%}, {lines['popularity']:.1%} by popularity; the same after reloading; "
        f"4 times {args.epochs} epochs in {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
