# SPDX-License-Identifier: MIT
"""Unpacks Eigen's headers into third_party/eigen/, for source distributions.

    python third_party/unpack_eigen.py [WHEEL]

A build from a checkout takes the headers from the build requirement cmeel-eigen. A source distribution
carries them itself. Without WHEEL the pinned wheel is fetched with pip.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

VERSION = "3.4.1"
SHA256 = "0ccd7b73fe8a72e2729784253c982e75d1790e0a8c71f302eb5a1fb1dd3a8a90"
_PREFIX = "cmeel.prefix/include/eigen3/"
_TARGET = Path(__file__).parent / "eigen"


def fetch(folder: Path) -> Path:
    """Downloads the pinned wheel into `folder`."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, f"--dest={folder}", f"cmeel-eigen=={VERSION}"], check=True)
    return next(folder.glob("cmeel_eigen-*.whl"))


def unpack(wheel: Path, target: Path) -> int:
    """Checks the wheel against the pinned hash, replaces `target` by its headers, and counts them."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{wheel.name}: expected SHA-256 {SHA256}, got {digest}")
    shutil.rmtree(target, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        headers = [name for name in archive.namelist() if name.startswith(_PREFIX + "Eigen/")]
        for name in headers:
            path = target / name.removeprefix(_PREFIX)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))
    return len(headers)


def main() -> None:
    parser = argparse.ArgumentParser(description="Unpacks Eigen's headers into third_party/eigen/.")
    parser.add_argument("wheel", type=Path, nargs="?", help="the cmeel-eigen wheel, if it is at hand")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        count = unpack(args.wheel or fetch(Path(folder)), _TARGET)
    print(f"Eigen {VERSION}: {count} headers in {_TARGET}")


if __name__ == "__main__":
    main()
