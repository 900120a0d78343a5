# SPDX-License-Identifier: MIT
"""DCGAN for 32x32 images (Radford et al. 2015): one step of the discriminator, then one of the generator."""

from __future__ import annotations

from typing import Any

from . import Case, Data, workload

# Multiply-adds of one image in each network: from 4x4 to 32x32 and back, 4x4 kernels.
_G = 4 * 4 * 256 * 100 + 16 * (4 * 4 * 256 * 128 + 8 * 8 * 128 * 64 + 16 * 16 * 64 * 3)
_D = 16 * (16 * 16 * 64 * 3 + 8 * 8 * 128 * 64 + 4 * 4 * 256 * 128 + 256)


# Forward and both backwards, of D on real images, on generated ones and below G, and of G.
@workload("train", "dcgan 32x32, batch 32", flops=32 * 2 * (9 * _D + 3 * _G), rtol=5e-3)
def dcgan(torch: Any, data: Data) -> Case:
    nn = torch.nn
    generator = nn.Sequential(
        nn.ConvTranspose2d(100, 256, 4, 1, 0, bias=False), nn.BatchNorm2d(256), nn.ReLU(),
        nn.ConvTranspose2d(256, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
        nn.Conv2d(128, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.2),
        nn.Conv2d(256, 1, 4, 1, 0, bias=False), nn.Flatten(0),
    )  # fmt: skip
    step_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    step_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    criterion = nn.BCEWithLogitsLoss()
    real, noise = data.uniform(32, 3, 32, 32) * 2 - 1, data.normal(32, 100, 1, 1)
    ones, zeros = torch.ones(32), torch.zeros(32)

    def step() -> Any:
        step_d.zero_grad()
        fake = generator(noise)
        loss_d = criterion(discriminator(real), ones) + criterion(discriminator(fake.detach()), zeros)
        loss_d.backward()
        step_d.step()

        step_g.zero_grad()
        loss_g = criterion(discriminator(fake), ones)
        loss_g.backward()
        step_g.step()
        return loss_d.detach(), loss_g.detach()

    return Case(step, [generator, discriminator])
