# SPDX-License-Identifier: MIT
"""``python -m plait.compat adopt | release | status``."""

from __future__ import annotations

import sys

from . import _adopt

__all__ = ["main"]

_USAGE = """usage: python -m plait.compat adopt | release | status

adopt    let this environment find plait as the distribution torch
release  take that back
status   tell what answers to `import torch`
"""


def main(arguments: list[str]) -> int:
    """Run one of the three; the exit code."""
    commands = {"adopt": _adopt.adopt, "release": _adopt.release, "status": _adopt.status}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(_USAGE, end="", file=sys.stdout if arguments in (["-h"], ["--help"]) else sys.stderr)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    try:
        print(commands[arguments[0]]())
    except (_adopt.AdoptError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
