# SPDX-License-Identifier: MIT
"""Let a whole environment find plait as the distribution ``torch``, and take that back."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import shutil
import sysconfig
from pathlib import Path

from ._distribution import FILES
from ._modules import MARK, VERSION

__all__ = ["AdoptError", "adopt", "release", "status"]

_MODULE = f"""{MARK}. `python -m plait.compat release` or `pip uninstall torch` removes it.
from plait.compat import _adopted

_adopted()
"""


class AdoptError(RuntimeError):
    """Another distribution has the name."""


def _site() -> Path:
    return Path(sysconfig.get_path("purelib"))


def _info() -> Path:
    return _site() / f"torch-{VERSION}.dist-info"


def _other() -> str | None:
    """The version of the torch that is installed and is not ours."""
    finder = importlib.metadata.MetadataPathFinder()
    context = importlib.metadata.DistributionFinder.Context(name="torch")
    for distribution in finder.find_distributions(context):
        if not distribution.version.endswith("+plait"):
            return distribution.version
    init = _site() / "torch" / "__init__.py"
    return "without metadata" if init.exists() and not init.read_text(errors="replace").startswith(MARK) else None


def _record_line(path: Path, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path.relative_to(_site()).as_posix()},sha256={digest},{len(data)}\n"


def adopt() -> str:
    """Write the distribution ``torch`` into this environment; what was done, in words.

    Raises:
        AdoptError: if PyTorch is installed.
    """
    other = _other()
    if other is not None:
        raise AdoptError(
            f"adopt: PyTorch ({other}) is installed in this environment\n"
            "hint: use a new virtual environment, or `pip uninstall torch` first; without it, "
            "`python -m plait program.py` runs one program on plait"
        )
    release()
    files = {_site() / "torch" / "__init__.py": _MODULE, **{_info() / n: text for n, text in FILES.items()}}
    record = ""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        path.write_bytes(data)
        record += _record_line(path, data)
    own = _info() / "RECORD"
    own.write_text(record + f"{own.relative_to(_site()).as_posix()},,\n")
    return f"torch {VERSION} is plait in {_site()}"


def release() -> str:
    """Remove what :func:`adopt` has written; what was done, in words."""
    found = False
    for info in _site().glob("torch-*+plait.dist-info"):
        shutil.rmtree(info)
        found = True
    package = _site() / "torch"
    init = package / "__init__.py"
    if init.exists() and init.read_text(errors="replace").startswith(MARK):
        shutil.rmtree(package)
        found = True
    return f"torch is released in {_site()}" if found else f"there was nothing to release in {_site()}"


def status() -> str:
    """What answers to ``import torch`` in this environment."""
    other = _other()
    if other is not None:
        return f"torch in {_site()} is PyTorch ({other})"
    if _info().exists():
        return f"torch {VERSION} is plait in {_site()}"
    return f"there is no torch in {_site()}; `python -m plait.compat adopt` lets plait answer to the name"
