# SPDX-License-Identifier: MIT
"""The parts of ``torch.utils.benchmark``."""
