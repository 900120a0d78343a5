# SPDX-License-Identifier: MIT
"""Curves, histograms, images and texts for TensorBoard, written without TensorBoard."""

from .writer import SummaryWriter

__all__ = ["SummaryWriter"]
