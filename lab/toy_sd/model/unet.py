"""The UNet of SD1.x (Rombach et al. 2022) at its least depth: one level, no downsampling.

Names and shapes of the weights are those of SD1.x with `channel_mult` [1], one residual block and
one transformer a level: 25.8 M parameters that ComfyUI reads as SD1.5. Modules come from an
`operations` namespace, `torch.nn` by default.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

LATENT = 4
CONTEXT = 768
_WIDTH = 320  # ComfyUI recognises SD1.x by this and CONTEXT
_HEADS = 8
_GROUPS = 32


def timestep_embedding(timesteps: torch.Tensor, width: int) -> torch.Tensor:
    """Return cosines and sines, `B, width`, of timesteps `B` (0..999)."""
    half = width // 2
    rates = torch.arange(half, dtype=torch.float32, device=timesteps.device) / half
    angles = timesteps.float()[:, None] * torch.exp(-math.log(10000) * rates)
    return torch.cat([angles.cos(), angles.sin()], -1)


class Residual(nn.Module):
    """Two convolutions, the time step added between them, and the input added to the result."""

    def __init__(self, inputs: int, outputs: int, time: int, ops: Any) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            ops.GroupNorm(_GROUPS, inputs), nn.SiLU(), ops.Conv2d(inputs, outputs, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), ops.Linear(time, outputs))
        # Identity in place of SD1.x's dropout of 0, so that the convolution has its index.
        self.out_layers = nn.Sequential(
            ops.GroupNorm(_GROUPS, outputs),
            nn.SiLU(),
            nn.Identity(),
            ops.Conv2d(outputs, outputs, 3, padding=1),
        )
        same = inputs == outputs
        self.skip_connection = nn.Identity() if same else ops.Conv2d(inputs, outputs, 1)

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Return `B, outputs, H, W` for `x` and the embedded time `B, time`."""
        y = self.in_layers(x) + self.emb_layers(time)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(y)


class Attention(nn.Module):
    """Attention with 8 heads over the positions of a latent or the tokens of a text."""

    def __init__(self, width: int, context: int, ops: Any) -> None:
        super().__init__()
        self.to_q = ops.Linear(width, width, bias=False)
        self.to_k = ops.Linear(context, width, bias=False)
        self.to_v = ops.Linear(context, width, bias=False)
        self.to_out = nn.Sequential(ops.Linear(width, width))

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Return `B, N, width` for `x` (`B, N, width`) and `context` (`B, T, C`)."""
        q, k, v = (
            part.unflatten(-1, (_HEADS, -1)).transpose(1, 2)
            for part in (self.to_q(x), self.to_k(context), self.to_v(context))
        )
        y = functional.scaled_dot_product_attention(q, k, v)
        return self.to_out(y.transpose(1, 2).flatten(2))


class GatedLinear(nn.Module):
    """GEGLU (Shazeer 2020)."""

    def __init__(self, width: int, inner: int, ops: Any) -> None:
        super().__init__()
        self.proj = ops.Linear(width, 2 * inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `B, N, inner` for `x` (`B, N, width`)."""
        value, gate = self.proj(x).chunk(2, -1)
        return value * functional.gelu(gate)


class FeedForward(nn.Module):
    """The MLP of a transformer block."""

    def __init__(self, width: int, ops: Any) -> None:
        super().__init__()
        inner = 4 * width
        self.net = nn.Sequential(
            GatedLinear(width, inner, ops), nn.Identity(), ops.Linear(inner, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `B, N, width` for the same."""
        return self.net(x)


class Block(nn.Module):
    """Self-attention, cross-attention to the text, MLP."""

    def __init__(self, width: int, ops: Any) -> None:
        super().__init__()
        self.attn1 = Attention(width, width, ops)
        self.ff = FeedForward(width, ops)
        self.attn2 = Attention(width, CONTEXT, ops)
        self.norm1 = ops.LayerNorm(width)
        self.norm2 = ops.LayerNorm(width)
        self.norm3 = ops.LayerNorm(width)

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Return `B, N, width` for the same and `context` (`B, T, 768`)."""
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    """One transformer block over the positions of a latent."""

    def __init__(self, width: int, ops: Any) -> None:
        super().__init__()
        self.norm = ops.GroupNorm(_GROUPS, width, eps=1e-6)
        self.proj_in = ops.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([Block(width, ops)])
        self.proj_out = ops.Conv2d(width, width, 1)

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Return `B, width, H, W` for the same and `context` (`B, T, 768`)."""
        y = self.proj_in(self.norm(x))
        y = self.transformer_blocks[0](y.flatten(2).transpose(1, 2), context)
        return x + self.proj_out(y.transpose(1, 2).unflatten(2, x.shape[2:]))


class Stage(nn.ModuleList):
    """Layers in sequence; each gets the time or the text where it needs these."""

    def forward(self, x: torch.Tensor, time: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Return `B, width, H, W` for `x`, the embedded time and the encoded text."""
        for layer in self:
            if isinstance(layer, Residual):
                x = layer(x, time)
            elif isinstance(layer, Transformer):
                x = layer(x, context)
            else:
                x = layer(x)
        return x


class UNet(nn.Module):
    """Predicts the noise in a noisy latent picture from the time step and the encoded text."""

    def __init__(self, width: int = _WIDTH, ops: Any = nn) -> None:
        """Create the layers with PyTorch's initialisation; widths other than 320 are for tests."""
        super().__init__()
        self.width = width
        time = 4 * width
        self.time_embed = nn.Sequential(ops.Linear(width, time), nn.SiLU(), ops.Linear(time, time))

        def pair(inputs: int) -> list[nn.Module]:
            return [Residual(inputs, width, time, ops), Transformer(width, ops)]

        first = Stage([ops.Conv2d(LATENT, width, 3, padding=1)])
        self.input_blocks = nn.ModuleList([first, Stage(pair(width))])
        self.middle_block = Stage([*pair(width), Residual(width, width, time, ops)])
        self.output_blocks = nn.ModuleList([Stage(pair(2 * width)), Stage(pair(2 * width))])
        self.out = nn.Sequential(
            ops.GroupNorm(_GROUPS, width), nn.SiLU(), ops.Conv2d(width, LATENT, 3, padding=1)
        )

    def forward(
        self, x: torch.Tensor, timesteps: torch.Tensor, context: torch.Tensor
    ) -> torch.Tensor:
        """Return the noise, `B, 4, H, W`, for `x` of that shape, `B` and `B, T, 768`."""
        time = self.time_embed(timestep_embedding(timesteps, self.width).to(x.dtype))
        skipped = []
        for block in self.input_blocks:
            x = block(x, time, context)
            skipped.append(x)
        x = self.middle_block(x, time, context)
        for block in self.output_blocks:
            x = block(torch.cat([x, skipped.pop()], 1), time, context)
        return self.out(x)


def start(unet: UNet) -> None:
    """Zero the last layer of every branch, as in SD1.x, so that each starts as the identity."""
    for module in unet.modules():
        if isinstance(module, Residual):
            last = module.out_layers[3]
        elif isinstance(module, Transformer):
            last = module.proj_out
        elif isinstance(module, UNet):
            last = module.out[2]
        else:
            continue
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
