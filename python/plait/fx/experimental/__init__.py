# SPDX-License-Identifier: MIT
"""Further programs over graphs."""
