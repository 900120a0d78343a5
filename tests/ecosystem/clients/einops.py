# SPDX-License-Identifier: MIT
"""Jobs with einops."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, summary

client = Client("einops", "rearrange, reduce, repeat, layers")


@client.job
def layers() -> Any:
    import torch
    from einops import rearrange, reduce, repeat
    from einops.layers.torch import Rearrange, Reduce

    x = pattern(2, 3, 8, 8)
    net = torch.nn.Sequential(Rearrange("b c (h s) (w t) -> b (c s t) h w", s=2, t=2), Reduce("b c h w -> b c", "max"))
    return [
        summary(net(x)),
        summary(rearrange(x, "b c h w -> h (b w) c")),
        summary(reduce(x, "b c h w -> c", "mean")),
    ] + [summary(repeat(x, "b c h w -> b c (h 2) w"))]
