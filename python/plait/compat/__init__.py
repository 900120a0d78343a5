# SPDX-License-Identifier: MIT
"""Programs and packages written for PyTorch, unchanged: ``import torch`` is answered with plait.

There are three doors, none of which opens by itself:

- ``python -m plait program.py`` runs one program;
- :func:`install` serves the running process, a notebook for example, and the processes it starts;
- ``python -m plait.compat adopt`` serves a whole environment, so that pip and other tools find a distribution named
  torch; ``release`` takes it back, ``status`` tells what is there.

``torch.__version__`` is the version of PyTorch whose names plait follows, marked ``+plait``. A name that plait does
not have raises AttributeError, a module ImportError, so that programs which ask first are told the truth.
"""

from __future__ import annotations

import os
import sys

__all__ = ["install", "is_installed"]


def is_installed() -> bool:
    """Whether ``import torch`` in this process gives plait's names.

    Example:
        >>> from plait import compat
        >>> isinstance(compat.is_installed(), bool)
        True
    """
    import _plait_torch

    return any(isinstance(finder, _plait_torch.Finder) for finder in sys.meta_path)


def install() -> None:
    """Answer ``import torch`` with plait from now on, in this process and in those it starts.

    Call it before the first package that imports torch. Calling it twice changes nothing.

    Raises:
        RuntimeError: if PyTorch itself has been imported in this process.

    Example:
        >>> from plait import compat
        >>> compat.install()  # doctest: +SKIP
        >>> import torch  # doctest: +SKIP
        >>> torch.__version__  # doctest: +SKIP
        '2.13.0+plait'
    """
    import _plait_torch

    loaded = sys.modules.get("torch")
    if loaded is not None and not str(getattr(loaded, "__version__", "")).endswith("+plait"):
        raise RuntimeError(
            f"compat.install: PyTorch {getattr(loaded, '__version__', '')} is already imported in this process\n"
            "hint: call install() before the first import of torch"
        )
    if not is_installed() and _has_pytorch():
        print("plait: PyTorch is installed here too; in this process torch is plait", file=sys.stderr)
    os.environ["PLAIT_AS_TORCH"] = "1"
    _plait_torch.start()


def _has_pytorch() -> bool:
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("torch")
    return spec is not None and spec.origin is not None and not _is_ours(spec.origin)


def _is_ours(init_file: str) -> bool:
    from ._modules import MARK

    with open(init_file, encoding="utf-8", errors="replace") as file:
        return MARK in file.read(200)


def _adopted() -> None:
    """What the package written by ``adopt`` calls: the torch of this package takes its place in ``sys.modules``."""
    import importlib.util

    import _plait_torch

    _plait_torch.start()
    spec = _plait_torch.Finder().find_spec("torch")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["torch"] = module
    spec.loader.exec_module(module)
