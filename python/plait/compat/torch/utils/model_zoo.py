# SPDX-License-Identifier: MIT
"""The older place of :func:`torch.hub.load_state_dict_from_url`."""

from torch.hub import _get_torch_home, load_state_dict_from_url, tqdm

__all__ = ["_get_torch_home", "load_state_dict_from_url", "load_url", "tqdm"]

load_url = load_state_dict_from_url
