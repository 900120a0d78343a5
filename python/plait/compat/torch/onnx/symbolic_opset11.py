# SPDX-License-Identifier: MIT
"""Translations of ops for ONNX's operator set 11: none, there is no exporter that would use them."""
