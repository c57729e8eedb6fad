"""A small encoder and decoder in strips, compared with their own forward pass."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from tipo_core.pictures.vae.row_strips import StripExecutor, supports_strips

CPU = torch.device("cpu")
WIDTHS = (8, 12)
EPS = 0.1  # large, so that a normalisation without it shows


class Block(nn.Module):
    """A residual block of latent diffusion."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(4, channels, eps=EPS)
        self.conv1 = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(4, out_channels, eps=EPS)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        if channels != out_channels:
            self.nin_shortcut = nn.Conv2d(channels, out_channels, 1)

    def forward(self, x: torch.Tensor) -> Any:
        h = self.conv1(functional.silu(self.norm1(x)))
        h = self.conv2(functional.silu(self.norm2(h)))
        return h + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class Resample(nn.Module):
    def __init__(self, channels: int, *, up: bool) -> None:
        super().__init__()
        self.with_conv = True
        self.up = up
        self.conv = nn.Conv2d(channels, channels, 3, stride=1 if up else 2, padding=int(up))

    def forward(self, x: torch.Tensor) -> Any:
        if self.up:
            return self.conv(functional.interpolate(x, scale_factor=2.0))
        return self.conv(functional.pad(x, (0, 1, 0, 1)))


class Level(nn.Module):
    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.block = nn.ModuleList([Block(channels, out_channels)])
        self.attn = nn.ModuleList()


def middle(channels: int) -> nn.Module:
    mid = nn.Module()
    mid.block_1, mid.attn_1 = Block(channels, channels), nn.Conv2d(channels, channels, 1)
    mid.block_2 = Block(channels, channels)
    return mid


class Decoder(nn.Module):
    def __init__(self, *, tanh_out: bool = False) -> None:
        super().__init__()
        low, high = WIDTHS
        self.tanh_out = tanh_out
        self.conv_in = nn.Conv2d(4, high, 3, padding=1)
        self.mid: Any = middle(high)
        self.up: Any = nn.ModuleList([Level(high, low), Level(high, high)])
        self.up[1].upsample = Resample(high, up=True)
        self.norm_out = nn.GroupNorm(4, low, eps=EPS)
        self.conv_out = nn.Conv2d(low, 3, 3, padding=1)

    def forward(self, z: torch.Tensor) -> Any:
        h = self.mid.block_2(self.mid.attn_1(self.mid.block_1(self.conv_in(z))))
        for level in reversed(list(self.up)):
            h = level.block[0](h)
            if hasattr(level, "upsample"):
                h = level.upsample(h)
        h = self.conv_out(functional.silu(self.norm_out(h)))
        return torch.tanh(h) if self.tanh_out else h


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        low, high = WIDTHS
        self.conv_in = nn.Conv2d(3, low, 3, padding=1)
        self.down: Any = nn.ModuleList([Level(low, low), Level(low, high)])
        self.down[0].downsample = Resample(low, up=False)
        self.mid: Any = middle(high)
        self.norm_out = nn.GroupNorm(4, high, eps=EPS)
        self.conv_out = nn.Conv2d(high, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> Any:
        h = self.conv_in(x)
        for level in self.down:
            h = level.block[0](h)
            if hasattr(level, "downsample"):
                h = level.downsample(h)
        h = self.mid.block_2(self.mid.attn_1(self.mid.block_1(h)))
        return self.conv_out(functional.silu(self.norm_out(h)))


def random_weights(module: nn.Module) -> Any:
    """Norms with weights of their own too: fresh ones are 1 and 0."""
    numbers = torch.Generator().manual_seed(11)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=numbers) * 0.4
    return module


def random(*shape: int) -> torch.Tensor:
    # Away from 0, so that a mean that is left out of the variance shows.
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5)) + 2.0


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 16, 100])
@pytest.mark.parametrize("tanh_out", [False, True])
@torch.no_grad()
def test_decode_in_strips_is_the_whole_decode(rows: int, tanh_out: bool) -> None:
    decoder = random_weights(Decoder(tanh_out=tanh_out))
    z = random(2, 4, 7, 5)
    found = StripExecutor(rows, CPU, CPU).decode(decoder, z)
    assert found.shape == (2, 3, 14, 10)
    torch.testing.assert_close(found, decoder(z), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 16, 100])
@pytest.mark.parametrize("height", [12, 14])
@torch.no_grad()
def test_encode_in_strips_is_the_whole_encode(rows: int, height: int) -> None:
    encoder = random_weights(Encoder())
    x = random(2, 3, height, 10)
    found = StripExecutor(rows, CPU, CPU).encode(encoder, x)
    assert found.shape == (2, 8, height // 2, 5)
    torch.testing.assert_close(found, encoder(x), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_no_strip_has_more_rows_than_asked_for_and_its_neighbours() -> None:
    heights: list[int] = []
    encoder = random_weights(Encoder())
    encoder.conv_in.register_forward_hook(
        lambda module, inputs, output: heights.append(inputs[0].shape[2])
    )
    StripExecutor(4, CPU, CPU).encode(encoder, random(1, 3, 12, 10))
    assert heights == [5, 6, 5]


@torch.no_grad()
def test_a_cancelled_run_stops_before_the_next_strip() -> None:
    strips = iter(range(3))

    def cancel_at_the_third() -> None:
        if next(strips) == 2:
            raise InterruptedError

    executor = StripExecutor(2, CPU, CPU, cancel_at_the_third)
    with pytest.raises(InterruptedError):
        executor.encode(random_weights(Encoder()), random(1, 3, 12, 10))


def test_only_the_structure_of_latent_diffusion_is_supported() -> None:
    assert supports_strips(Decoder()) and supports_strips(Encoder())
    with_attention, without_conv = Decoder(), Decoder()
    with_attention.up[0].attn.append(nn.Identity())
    without_conv.up[1].upsample.with_conv = False
    large_kernel, time_embedding, both_ways = Encoder(), Encoder(), Encoder()
    large_kernel.conv_out = nn.Conv2d(WIDTHS[1], 8, 5, padding=2)
    time_embedding.down[0].block[0].temb_proj = nn.Identity()
    both_ways.up = nn.ModuleList()
    early_end: Any = Decoder()
    early_end.give_pre_end = True
    for coder in (with_attention, without_conv, large_kernel, time_embedding, both_ways, early_end):
        assert not supports_strips(coder)
    assert not supports_strips(nn.Sequential(nn.Conv2d(3, 3, 3)))
