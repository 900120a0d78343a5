# SPDX-License-Identifier: MIT
"""Jobs with stable-baselines3; the actions are given, so that nothing depends on random draws."""

from __future__ import annotations

import tempfile
from typing import Any

from client import Client, pattern, set_weights, summary

client = Client(
    "stable-baselines3", "a step of PPO and of DQN on given transitions, saved and loaded", module="stable_baselines3"
)


@client.job
def ppo() -> Any:
    import numpy as np
    import torch
    from stable_baselines3 import PPO

    model = PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, n_epochs=2, seed=0, device="cpu")
    set_weights(model.policy)
    model._setup_learn(32)
    buffer = model.rollout_buffer
    observations = pattern(32, 1, 4).numpy()
    for i in range(32):
        x = torch.as_tensor(observations[i])
        with torch.no_grad():
            values, log_probability, _ = model.policy.evaluate_actions(x, torch.tensor([i % 2]))
        buffer.add(
            observations[i], np.array([[i % 2]]), np.ones(1), np.array([i == 0]), values.flatten(), log_probability
        )
    buffer.compute_returns_and_advantage(torch.zeros(1), np.zeros(1))
    model.train()
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/ppo")
        loaded = PPO.load(f"{folder}/ppo", device="cpu")
    action, _ = loaded.predict(observations[0, 0], deterministic=True)
    return [float(action), [summary(p) for p in loaded.policy.parameters()]]


@client.job
def dqn() -> Any:
    import numpy as np
    from stable_baselines3 import DQN

    model = DQN("MlpPolicy", "CartPole-v1", buffer_size=16, batch_size=16, seed=0, device="cpu")
    set_weights(model.policy)
    model._setup_learn(16)
    observations = pattern(17, 1, 4).numpy()
    for i in range(16):
        model.replay_buffer.add(
            observations[i], observations[i], np.array([i % 2]), np.ones(1), np.array([False]), [{}]
        )
    np.random.seed(0)
    model.train(gradient_steps=2, batch_size=16)
    return [summary(p) for p in model.policy.q_net.parameters()]
