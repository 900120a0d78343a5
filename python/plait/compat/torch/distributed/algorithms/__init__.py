# SPDX-License-Identifier: MIT
"""Algorithms of several processes that one process can run."""
