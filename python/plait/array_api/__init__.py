# SPDX-License-Identifier: MIT
"""The Python array API standard (data-apis.org, 2024.12) over plait's tensors.

``x.__array_namespace__()`` gives this module. Its arrays are plait's tensors, its functions have the standard's names,
keywords and dtypes. Left out: the attribute ``size``, which is a method of tensors (``array_api.size(x)`` is the
number).
"""

from __future__ import annotations

from .. import e as e
from .. import inf as inf
from .. import nan as nan
from .. import newaxis as newaxis
from .. import pi as pi
from . import fft as fft
from . import linalg as linalg
from ._creation import *  # noqa: F403
from ._creation import __all__ as _creation
from ._dtypes import *  # noqa: F403
from ._dtypes import DTYPES as _DTYPES
from ._dtypes import __all__ as _dtypes
from ._elementwise import *  # noqa: F403
from ._elementwise import __all__ as _elementwise
from ._info import __array_namespace_info__
from ._manipulation import *  # noqa: F403
from ._manipulation import __all__ as _manipulation
from ._statistics import *  # noqa: F403
from ._statistics import __all__ as _statistics
from .linalg import matmul, matrix_transpose, tensordot, vecdot

__array_api_version__ = "2024.12"

globals().update(_DTYPES)

__all__ = [
    "__array_api_version__",
    "__array_namespace_info__",
    "e",
    "fft",
    "inf",
    "linalg",
    "matmul",
    "matrix_transpose",
    "nan",
    "newaxis",
    "pi",
    "tensordot",
    "vecdot",
]
__all__ += list(_DTYPES)
__all__ += _creation
__all__ += _dtypes
__all__ += _elementwise
__all__ += _manipulation
__all__ += _statistics


def _document() -> None:
    """Give each function without a text of its own the standard's page as one."""
    for module, prefix in ((globals(), ""), (vars(linalg), "linalg."), (vars(fft), "fft.")):
        for name in module["__all__"]:
            value = module[name]
            if callable(value) and not isinstance(value, type) and not value.__doc__:
                value.__doc__ = f"See :`{prefix}{name}` of the array API standard, whose keywords and dtypes it has."


_document()
