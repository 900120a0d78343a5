# SPDX-License-Identifier: MIT
"""Where datasets lie, and how they come there."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from pathlib import Path

__all__ = ["download_file", "root_folder"]


def root_folder(caller: str, root: str | os.PathLike[str] | None) -> Path:
    """``root``, by default the environment variable PLAIT_DATA."""
    if root is None:
        root = os.environ.get("PLAIT_DATA")
    if root is None:
        raise FileNotFoundError(
            f"{caller}: expected a folder, got neither root nor the environment variable PLAIT_DATA"
        )
    return Path(root)


def download_file(urls: list[str], path: Path, md5: str) -> None:
    """Fetch a file from the first of ``urls`` that has it, check its hash, and put it in place."""
    failures = []
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    for url in urls:
        digest = hashlib.md5(usedforsecurity=False)
        try:
            with urllib.request.urlopen(url, timeout=60) as source, open(temporary, "wb") as out:
                while piece := source.read(1 << 20):
                    digest.update(piece)
                    out.write(piece)
            if digest.hexdigest() != md5:
                failures.append(f"{url}: expected MD5 {md5}, got {digest.hexdigest()}")
                continue
            os.replace(temporary, path)
            return
        except (OSError, ValueError) as error:  # URLError and HTTPError are OSErrors
            failures.append(f"{url}: {error}")
        finally:
            temporary.unlink(missing_ok=True)
    raise OSError(f"download: expected {path.name} from {len(urls)} places, got\n" + "\n".join(failures))
