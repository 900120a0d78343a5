# SPDX-License-Identifier: MIT
"""Jobs with gymnasium."""

from __future__ import annotations

from typing import Any

from client import Client, set_weights, summary

client = Client("gymnasium", "REINFORCE on CartPole with the actions of the greedy policy; NumpyToTorch")


@client.job
def reinforce() -> Any:
    import gymnasium
    import torch

    environment = gymnasium.make("CartPole-v1")
    policy = set_weights(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)))
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
    lengths = []
    for episode in range(5):
        observation, _ = environment.reset(seed=episode)
        log_probabilities, done = [], False
        while not done:
            scores = torch.distributions.Categorical(logits=policy(torch.as_tensor(observation)))
            action = scores.probs.argmax()
            log_probabilities.append(scores.log_prob(action))
            observation, _, terminated, truncated, _ = environment.step(action.item())
            done = terminated or truncated
        returns = torch.arange(len(log_probabilities), 0, -1.0)
        optimizer.zero_grad()
        (-torch.stack(log_probabilities) * returns).mean().backward()
        optimizer.step()
        lengths.append(len(log_probabilities))
    return [lengths, [summary(p) for p in policy.parameters()]]


@client.job
def wrappers() -> Any:
    import gymnasium
    import torch
    from gymnasium.wrappers.numpy_to_torch import NumpyToTorch

    environment = NumpyToTorch(gymnasium.make("CartPole-v1"))
    observation, _ = environment.reset(seed=0)
    after, reward, *_ = environment.step(torch.tensor(1))
    return [observation.tolist(), after.tolist(), float(reward)]
