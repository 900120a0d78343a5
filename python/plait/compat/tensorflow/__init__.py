# SPDX-License-Identifier: MIT
"""``tensorflow`` for programs that use Keras alone: it has ``keras``, and ``summary`` for TensorBoard."""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ["keras"]


def _let_keras_look() -> None:
    """Keras asks once whether TensorFlow is there, and is to find out that it is not."""
    from keras.src.utils import module_utils

    ours = sys.modules["tensorflow"]
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  (import raises ModuleNotFoundError)
    try:
        _ = module_utils.tensorflow.available
    finally:
        sys.modules["tensorflow"] = ours


import keras as keras  # noqa: E402

_let_keras_look()


def __getattr__(name: str) -> Any:
    if name == "summary":
        return importlib.import_module("tensorflow.summary")
    raise AttributeError(
        f"module 'tensorflow' has no attribute {name!r}: plait answers to `tensorflow` with Keras alone\n"
        "hint: tf.keras is there; what else the program needs of TensorFlow has a counterpart in keras.ops"
    )
