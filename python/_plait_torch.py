# SPDX-License-Identifier: MIT
"""The import hook that answers ``import torch`` with plait.

It lives beside the package, not in it, so that a process which may never import torch pays for no part of plait.
``plait.compat.install()`` starts it; so does the environment variable ``PLAIT_AS_TORCH=1``, which children inherit.
"""

import os
import sys

__all__ = ["Finder", "start"]

_PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plait", "compat")


class Finder:
    """Finds ``torch``, ``functorch`` and ``tensorflow`` and what is below them.

    It also finds modules of plait for a torch that is loaded. Every other name is left to the other finders.
    """

    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in ("torch", "functorch", "tensorflow", "plait"):
            return None
        if root == "plait":
            modules = sys.modules.get("plait.compat._modules")  # what was loaded before it is renamed by torch itself
            if modules is None or "torch" not in sys.modules or name.startswith("plait.compat"):
                return None
            return modules.renaming_spec(name, path)
        if name == "torch":
            from importlib.util import spec_from_file_location

            folder = os.path.join(_PACKAGE, "torch")
            return spec_from_file_location(
                name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
            )
        from plait.compat import _modules

        return _modules.find_spec(name)

    def find_distributions(self, context=None):
        """What ``importlib.metadata.version("torch")`` reads."""
        if getattr(context, "name", None) not in (None, "torch"):
            return []
        from plait.compat import _distribution

        return _distribution.here()

    def invalidate_caches(self):
        pass


def start():
    """Put the finder before the others, once, and choose torch where a package asks the environment for a backend."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
    os.environ.setdefault("KERAS_BACKEND", "torch")  # what the user has set stays


if os.environ.get("PLAIT_AS_TORCH") == "1":
    start()
