# SPDX-License-Identifier: MIT
"""Parts of loaders by PyTorch's names."""

from . import collate as collate
from . import worker as worker

__all__ = ["collate", "worker"]

MP_STATUS_CHECK_INTERVAL = 5.0
python_exit_status = False
