# SPDX-License-Identifier: MIT
"""Jobs with pyro-ppl."""

from __future__ import annotations

from typing import Any

from client import Client

client = Client("pyro-ppl", "log-probabilities of traces, flows", module="pyro")


@client.job
def traces() -> Any:
    import pyro
    import pyro.distributions as dist
    import torch

    def model(data: Any) -> Any:
        rate = pyro.sample("rate", dist.Gamma(2.0, 1.0))
        with pyro.plate("data", len(data)):
            pyro.sample("x", dist.Exponential(rate), obs=data)

    data = torch.tensor([0.5, 1.0, 2.0])
    trace = pyro.poutine.trace(pyro.condition(model, {"rate": torch.tensor(1.5)})).get_trace(data)
    flow = dist.TransformedDistribution(dist.Normal(torch.zeros(2), 1.0), [dist.transforms.SigmoidTransform()])
    return [trace.log_prob_sum().item(), flow.log_prob(torch.tensor([0.2, 0.7])).tolist()]
