# SPDX-License-Identifier: MIT
"""``tensorflow.compat.v1``: the metadata that ``tensorflow.summary.write`` takes."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["SummaryMetadata"]


@dataclass
class _PluginData:
    plugin_name: str = ""
    content: bytes = b""


@dataclass
class SummaryMetadata:
    """For which plugin of TensorBoard a summary is."""

    plugin_data: _PluginData = field(default_factory=_PluginData)
