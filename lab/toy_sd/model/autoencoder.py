"""An autoencoder in the format of TAESD (Bohan, taesd): pictures to latents of an eighth the side.

Names and shapes of the weights are those that ComfyUI reads as TAESD: 2.4 M parameters.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

SCALE = 0.18215  # SD1.x multiplies an encoder's latents by this; the weights here undo that
_WIDTH = 64


class Clamp(nn.Module):
    """Keeps latents within -3..3, smoothly."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same shape."""
        return torch.tanh(x / 3) * 3


class Block(nn.Module):
    """Three convolutions, and the input added to the result."""

    def __init__(self, width: int, ops: Any) -> None:
        super().__init__()
        conv = [ops.Conv2d(width, width, 3, padding=1) for _ in range(3)]
        self.conv = nn.Sequential(conv[0], nn.ReLU(), conv[1], nn.ReLU(), conv[2])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same shape."""
        return torch.relu(self.conv(x) + x)


def encoder(width: int = _WIDTH, ops: Any = nn) -> nn.Sequential:
    """Return the layers from `B, 3, H, W` in 0..1 to latents `B, 4, H/8, W/8`."""
    layers: list[nn.Module] = [ops.Conv2d(3, width, 3, padding=1), Block(width, ops)]
    for _ in range(3):
        layers.append(ops.Conv2d(width, width, 3, stride=2, padding=1, bias=False))
        layers += [Block(width, ops) for _ in range(3)]
    return nn.Sequential(*layers, ops.Conv2d(width, 4, 3, padding=1))


def decoder(width: int = _WIDTH, ops: Any = nn) -> nn.Sequential:
    """Return the layers from latents to pictures in about 0..1, not clamped."""
    layers: list[nn.Module] = [Clamp(), ops.Conv2d(4, width, 3, padding=1), nn.ReLU()]
    for _ in range(3):
        layers += [Block(width, ops) for _ in range(3)]
        layers.append(nn.Upsample(scale_factor=2))
        layers.append(ops.Conv2d(width, width, 3, padding=1, bias=False))
    return nn.Sequential(*layers, Block(width, ops), ops.Conv2d(width, 3, 3, padding=1))


class Autoencoder(nn.Module):
    """Encoder and decoder; latents are those of the UNet, of standard deviation about 1."""

    def __init__(self, width: int = _WIDTH, ops: Any = nn) -> None:
        """Create the layers with PyTorch's initialisation; widths other than 64 are for tests."""
        super().__init__()
        self.taesd_encoder = encoder(width, ops)
        self.taesd_decoder = decoder(width, ops)
        self.register_buffer("vae_scale", torch.tensor(SCALE))
        self.register_buffer("vae_shift", torch.tensor(0.0))

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return latents `B, 4, H/8, W/8` for pictures `B, 3, H, W` in 0..1."""
        return self.taesd_encoder(pictures)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return pictures, about 0..1, for latents."""
        return self.taesd_decoder(latents)
