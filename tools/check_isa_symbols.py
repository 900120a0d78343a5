# SPDX-License-Identifier: MIT
"""Checks that code compiled for a newer CPU cannot be linked in for the whole program.

    python tools/check_isa_symbols.py BUILD_DIR

The sources in cpp/kernels/isa are compiled once per instruction set. A weak or unique symbol in one of those
objects (an inline function, a template of a shared header) would be merged by the linker with its copies
elsewhere, and the copy it keeps may use instructions the CPU lacks. So in these objects no symbol may be weak
or unique, and what is defined for others must lie in the namespace of its instruction set.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

_DIRECTORY = "plait_kernels_"
_WEAK = set("WwVvu")
_LOCAL = set("tdbrsgnN")  # file-local text, data, bss, read-only data
_NEEDED = set("U")


def symbols(path: Path) -> list[tuple[str, str]]:
    """(type letter, demangled name) of every symbol of an object file, in nm's notation."""
    output = subprocess.run(["nm", "-C", str(path)], check=True, capture_output=True, text=True).stdout
    # "<address or blanks> <letter> <name>"
    return [(m[1], m[2]) for m in re.finditer(r"^[0-9a-f ]+ ([A-Za-z?]) (.+)$", output, re.MULTILINE)]


def faults(path: Path, isa: str) -> list[str]:
    found = []
    for letter, name in symbols(path):
        if letter in _WEAK:
            found.append(f"weak or unique symbol ({letter}): {name}")
        elif letter not in _LOCAL | _NEEDED and not name.startswith(f"plait::{isa}::"):
            found.append(f"defined outside namespace plait::{isa} ({letter}): {name}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks the symbols of the per-ISA objects of a build.")
    parser.add_argument("build", type=Path, help="the CMake build directory")
    args = parser.parse_args()
    checked, failed = 0, 0
    for folder in sorted(args.build.glob(f"**/{_DIRECTORY}*.dir")):
        isa = folder.name.removeprefix(_DIRECTORY).removesuffix(".dir")
        for path in sorted(folder.glob("**/*.o")):
            checked += 1
            for fault in faults(path, isa):
                failed += 1
                print(f"{isa}/{path.name}: {fault}")
    if not checked:
        print(f"no objects of {_DIRECTORY}* under {args.build}", file=sys.stderr)
        return 2
    print(f"{checked} objects, {failed} faults")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
