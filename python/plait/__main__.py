# SPDX-License-Identifier: MIT
"""``python -m plait program.py args``: run a program written for PyTorch, with plait in its place."""

from __future__ import annotations

import os
import runpy
import sys
import types

__all__ = ["main"]

_USAGE = """usage: python -m plait program.py [arguments]
       python -m plait -m module [arguments]

Runs the program with `import torch` answered by plait, in it and in the processes it starts.
"""


def _run_file(path: str) -> None:
    """As ``python path`` does: the program is the module ``__main__``, which also processes it starts can import."""
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    exec(code, module.__dict__)


def main(arguments: list[str]) -> int:
    """Run the program; the exit code if there is none to run."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE, end="", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    as_module = arguments[0] == "-m"
    if as_module and len(arguments) < 2:
        print(_USAGE, end="", file=sys.stderr)
        return 2
    if not as_module and not os.path.isfile(arguments[0]):
        print(f"python -m plait: there is no file {arguments[0]!r}", file=sys.stderr)
        return 2
    from .compat import install

    install()
    sys.argv = arguments[as_module:]
    if as_module:
        sys.path[0] = os.getcwd()
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        _run_file(arguments[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
