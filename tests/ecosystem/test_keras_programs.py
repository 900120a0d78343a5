# SPDX-License-Identifier: MIT
"""Programs written for TensorFlow's Keras, run by ``python -m plait`` as they are, and the backend that Keras takes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import plait

pytest.importorskip("keras")

PROGRAMS = Path(__file__).with_name("programs")
MNIST = Path(os.environ.get("PLAIT_DATA", "")) / "mnist"

WITH_FILES = """
import runpy, sys, keras
from plait.datasets.mnist import read_idx

def load_data(path="mnist.npz"):
    parts = [(f"{p}-images-idx3-ubyte.gz", f"{p}-labels-idx1-ubyte.gz") for p in ("train", "t10k")]
    return tuple(tuple(read_idx(f"{sys.argv[2]}/{name}") for name in part) for part in parts)

keras.datasets.mnist.load_data = load_data  # the files that are here, in place of a download
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def run(folder: Path, *arguments: str) -> str:
    env = {k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "PLAIT_AS_TORCH")}
    env |= {"PYTHONPATH": str(Path(plait.__file__).parents[1]), "KERAS_HOME": str(folder), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-m", "plait", *arguments], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not MNIST.is_dir(), reason="PLAIT_DATA names no folder with MNIST")
def test_sequential(tmp_path: Path) -> None:
    runner = tmp_path / "runner.py"
    runner.write_text(WITH_FILES)
    out = run(tmp_path, str(runner), str(PROGRAMS / "tf_sequential.py"), str(MNIST))
    assert float(out.split("test accuracy:")[1]) >= 0.965
    assert "Epoch 3/3" in out and "1875/1875" in out
    assert re.search(r"━━━━━━.*accuracy: 0\.\d{4}.* - loss: 0\.\d{4}", out)  # the progress bar


def test_subclass(tmp_path: Path) -> None:
    out = run(tmp_path, str(PROGRAMS / "tf_subclass.py"))
    accuracy = re.search(r"^accuracy: (\S+) keras", out, re.MULTILINE)
    assert accuracy and float(accuracy[1]) > 0.9
    assert "25/25 - " in out and "Total params: 197" in out and out.endswith("(2, 1)\n")


def test_backend_is_chosen(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import keras\n"
        "print(keras.backend.backend(), type(keras.ops.ones(2)).__module__)\n"
        "layer = keras.layers.LSTM(2)\n"
        "print(layer(keras.ops.ones((1, 3, 2))).shape)\n"
    )
    assert run(tmp_path, str(program)) == "torch torch\ntorch.Size([1, 2])\n"


def test_tensorboard(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, keras, numpy as np\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])\n"
        "model.compile('sgd', 'mse')\n"
        "board = keras.callbacks.TensorBoard(sys.argv[1], histogram_freq=1, write_images=True, update_freq=2)\n"
        "x, y = np.ones((8, 4)), np.ones((8, 2))\n"
        "model.fit(x, y, validation_data=(x, y), epochs=2, batch_size=2, callbacks=[board], verbose=0)\n"
    )
    run(tmp_path, str(program), str(tmp_path / "log"))
    texts = {"train": (b"epoch_loss", b"graph_keras_model", b"kernel/histogram"), "validation": (b"epoch_loss",)}
    for folder, expected in texts.items():
        (file,) = (tmp_path / "log" / folder).glob("events.out.tfevents.*.v2")
        assert all(text in file.read_bytes() for text in expected)
