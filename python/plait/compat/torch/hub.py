# SPDX-License-Identifier: MIT
"""Models and weights by file name. Nothing is fetched from GitHub; files come from an address that is given."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import tempfile
import urllib.request
from typing import Any
from urllib.parse import urlparse

import plait

try:
    from tqdm.auto import tqdm
except ImportError:
    tqdm = None

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")  # the start of a file's SHA-256 in its name
_directory: str | None = None


def _get_torch_home() -> str:
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join("~", ".cache"))
    return os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch")))


def get_dir() -> str:
    """The folder of downloaded files: ``TORCH_HOME``/hub, by default in the user's cache folder."""
    return _directory or os.path.join(_get_torch_home(), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Use another folder for downloaded files."""
    global _directory
    _directory = os.path.expanduser(d)


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Download a file; it has its name only when it is whole.

    Args:
        url: the address.
        dst: the path of the file.
        hash_prefix: the start of its SHA-256.
        progress: accepted; no progress is shown.

    Raises:
        RuntimeError: if the file has another hash.
    """
    folder = os.path.dirname(os.path.abspath(os.path.expanduser(dst)))
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        try:
            with urllib.request.urlopen(url) as answer:
                while chunk := answer.read(1 << 20):
                    file.write(chunk)
                    digest.update(chunk)
            file.flush()
            os.fsync(file.fileno())
            if hash_prefix and not digest.hexdigest().startswith(hash_prefix):
                raise RuntimeError(
                    f"download_url_to_file: expected a SHA-256 that starts with {hash_prefix}, got {digest.hexdigest()}"
                )
            os.replace(file.name, os.path.expanduser(dst))
        except BaseException:
            os.unlink(file.name)
            raise


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> dict[str, Any]:
    """Load the parameters at an address, from ``model_dir`` if they are there already."""
    folder = model_dir or os.path.join(get_dir(), "checkpoints")
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        match = HASH_REGEX.search(name) if check_hash else None
        download_url_to_file(url, path, match.group(1) if match else None, progress)
    return plait.load(path, map_location=map_location)


def _entries(folder: str, source: str) -> Any:
    if source not in ("local", "github"):
        raise ValueError(f"hub: expected source='local' or 'github', got {source!r}")
    if source != "local":
        raise RuntimeError(
            f"hub: expected source='local', got {source!r}; plait fetches no programs\n"
            "hint: clone the repository and give its folder with source='local'"
        )
    folder = os.path.expanduser(folder)
    spec = importlib.util.spec_from_file_location("hubconf", os.path.join(folder, "hubconf.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    missing = [name for name in getattr(module, "dependencies", ()) if importlib.util.find_spec(name) is None]
    if missing:
        raise RuntimeError(
            f"hub: expected the packages that hubconf.py needs, got none of the name {', '.join(missing)}"
        )
    return module


def _entry(module: Any, name: str) -> Any:
    found = getattr(module, name, None)
    if not callable(found):
        raise RuntimeError(f"hub: expected an entry point of hubconf.py, got {name!r}")
    return found


def list(github: str, force_reload: bool = False, source: str = "github", **options: Any) -> Any:
    """The names of the entry points in a folder's ``hubconf.py``."""
    module = _entries(github, source)
    return [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]


def help(github: str, model: str, force_reload: bool = False, source: str = "github", **options: Any) -> str | None:
    """The docstring of an entry point."""
    return _entry(_entries(github, source), model).__doc__


def load(repo_or_dir: str, model: str, *args: Any, source: str = "github", **kwargs: Any) -> Any:
    """Call an entry point of the ``hubconf.py`` in a folder.

    Raises:
        RuntimeError: if ``source`` is not ``'local'``.
    """
    for option in ("trust_repo", "force_reload", "verbose", "skip_validation"):
        kwargs.pop(option, None)
    return _entry(_entries(repo_or_dir, source), model)(*args, **kwargs)
