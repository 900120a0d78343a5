# SPDX-License-Identifier: MIT
"""Types under the names that compiled programs use."""

from typing import Dict, Final, List, Optional, Tuple, Union  # noqa: UP035

from . import annotate

BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = list

__all__ = [
    "BroadcastingList1",
    "BroadcastingList2",
    "BroadcastingList3",
    "Dict",
    "Final",
    "List",
    "Optional",
    "Tuple",
    "Union",
    "annotate",
]
