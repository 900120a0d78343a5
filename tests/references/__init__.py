# SPDX-License-Identifier: MIT
"""Plain NumPy definitions of the larger ops: clear before fast, in float64."""
