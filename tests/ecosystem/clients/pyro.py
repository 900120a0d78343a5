# SPDX-License-Identifier: MIT
"""Jobs with pyro-ppl."""

from __future__ import annotations

from typing import Any

from client import Client

client = Client(
    "pyro-ppl",
    "log-probabilities of traces, flows and 9 distributions, a mixture learned by enumeration",
    module="pyro",
)


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


@client.job
def enumeration() -> Any:
    import pyro
    import pyro.distributions as dist
    import torch
    from pyro.infer import SVI, TraceEnum_ELBO, config_enumerate

    data = torch.tensor([-2.0, -1.8, 1.9, 2.2, 2.0])
    pyro.clear_param_store()

    @config_enumerate
    def model() -> None:
        weights = pyro.param("weights", torch.tensor([0.4, 0.6]), constraint=dist.constraints.simplex)
        means = pyro.param("means", torch.tensor([-1.0, 1.0]))
        with pyro.plate("data", len(data)):
            component = pyro.sample("component", dist.Categorical(weights))
            pyro.sample("x", dist.Normal(means[component], 1.0), obs=data)

    inference = SVI(model, lambda: None, pyro.optim.Adam({"lr": 0.05}), TraceEnum_ELBO(max_plate_nesting=1))
    losses = [inference.step() for _ in range(5)]
    return [losses, pyro.param("weights").tolist(), pyro.param("means").tolist()]


@client.job
def distributions() -> Any:
    import pyro.distributions as dist
    import torch

    x = torch.tensor([0.3, 0.6, 0.9])
    names = {
        "Beta": (2.0, 3.0),
        "Gamma": (2.0, 1.5),
        "LogNormal": (0.1, 0.8),
        "StudentT": (3.0,),
        "Weibull": (1.5, 1.0),
    }
    found = [
        getattr(dist, name)(*map(torch.tensor, arguments)).log_prob(x).tolist() for name, arguments in names.items()
    ]
    found.append(dist.VonMises(torch.tensor(0.1), torch.tensor(4.0)).log_prob(x).tolist())
    found.append(dist.LKJCholesky(3, torch.tensor(2.0)).log_prob(torch.eye(3)).tolist())
    found.append(dist.Dirichlet(torch.tensor([1.0, 2.0, 3.0])).log_prob(x / x.sum()).tolist())
    found.append(
        dist.ZeroInflatedPoisson(torch.tensor(2.0), gate=torch.tensor(0.3)).log_prob(torch.tensor([0.0, 2.0])).tolist()
    )
    return found
