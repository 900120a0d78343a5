# SPDX-License-Identifier: MIT
"""Jobs with gpytorch."""

from __future__ import annotations

from typing import Any

from client import Client

client = Client(
    "gpytorch", "an exact Gaussian process trained and asked, a sparse variational one with composed kernels"
)


@client.job
def regression() -> Any:
    import gpytorch
    import torch

    class Model(gpytorch.models.ExactGP):
        def __init__(self, x: Any, y: Any, likelihood: Any) -> None:
            super().__init__(x, y, likelihood)
            self.mean_module = gpytorch.means.ConstantMean()
            self.covar_module = gpytorch.kernels.ScaleKernel(gpytorch.kernels.MaternKernel(nu=2.5))

        def forward(self, x: Any) -> Any:
            return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))

    x = torch.linspace(0, 1, 15)
    y = (6 * x).sin()
    likelihood = gpytorch.likelihoods.GaussianLikelihood()
    model = Model(x, y, likelihood).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    mll = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = -mll(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    likelihood.eval()
    with torch.no_grad():
        prediction = likelihood(model(torch.linspace(0.1, 0.9, 4)))
    return [losses, prediction.mean.tolist(), prediction.variance.tolist()]


@client.job
def variational() -> Any:
    import gpytorch
    import torch

    class Model(gpytorch.models.ApproximateGP):
        def __init__(self, points: Any) -> None:
            distribution = gpytorch.variational.CholeskyVariationalDistribution(points.shape[0])
            super().__init__(gpytorch.variational.VariationalStrategy(self, points, distribution))
            self.mean_module = gpytorch.means.ConstantMean()
            kernels = gpytorch.kernels.RBFKernel() + gpytorch.kernels.LinearKernel() * gpytorch.kernels.PeriodicKernel()
            self.covar_module = gpytorch.kernels.ScaleKernel(kernels)

        def forward(self, x: Any) -> Any:
            return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))

    x = torch.linspace(0, 1, 20).unsqueeze(1)
    y = (6 * x).sin().squeeze(1)
    model, likelihood = Model(x[::4].clone()), gpytorch.likelihoods.GaussianLikelihood()
    with torch.no_grad():  # the strategy begins with a small random mean
        model.variational_strategy._variational_distribution.variational_mean.copy_(y[::4])
        model.variational_strategy.variational_params_initialized.fill_(1)
    mll = gpytorch.mlls.VariationalELBO(likelihood, model, num_data=20)
    optimizer = torch.optim.Adam([*model.parameters(), *likelihood.parameters()], lr=0.01)
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = -mll(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
