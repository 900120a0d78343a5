# SPDX-License-Identifier: MIT
"""How long groups would wait."""

from torch.distributed import default_pg_timeout

__all__ = ["default_pg_timeout"]
