"""Runs a VAE's encoder or decoder in strips of rows, with the result of the whole picture.

Tiles that are decoded separately differ from the whole picture: each tile has its own group
normalisation and its own attention. Here each layer is computed for the whole picture before the
next layer starts. A strip is read together with the neighbouring rows that its convolutions need,
and the sums for the next normalisation are taken while its result is written. Between layers the
features are in `store`, usually the CPU's memory, so that the device holds only a strip. The result
equals that of the modules up to rounding.

The modules are those of latent diffusion (Rombach et al. 2022), as in ComfyUI's
`ldm/modules/diffusionmodules/model.py`: `conv_in`, `mid` (at the latent's size, in one piece),
`down` or `up` of residual blocks, `norm_out`, `conv_out`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional

_CHILDREN = {"conv_in", "mid", "norm_out", "conv_out"}
Layer = Callable[[torch.Tensor], torch.Tensor]


def supports_strips(coder: Any) -> bool:
    """Whether `StripExecutor` can run an encoder or decoder of this structure."""
    names = {name for name, _ in coder.named_children()}
    if not (names >= _CHILDREN and ("up" in names) != ("down" in names)):
        return False
    levels = coder.up if "up" in names else coder.down
    convs = [coder.conv_in, coder.conv_out]
    for level in levels:
        if len(level.attn):
            return False
        for block in level.block:
            if hasattr(block, "temb_proj") or hasattr(block, "conv_shortcut"):
                return False
            convs += [block.conv1, block.conv2]
        for resample in (getattr(level, name, None) for name in ("upsample", "downsample")):
            if resample is not None:
                if not resample.with_conv:
                    return False
                convs.append(resample.conv)
    return not getattr(coder, "give_pre_end", False) and all(
        isinstance(conv, torch.nn.Conv2d) and conv.kernel_size == (3, 3) for conv in convs
    )


@dataclass
class _Features:
    """A layer's output (1, C, H, W) in the store, and the sums and sums of squares by channel.

    The sums are float64 on the CPU: some devices do not support float64.
    """

    values: torch.Tensor
    sums: torch.Tensor = field(init=False)
    squares: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.sums, self.squares = torch.zeros(2, self.values.shape[1], dtype=torch.float64)

    @property
    def height(self) -> int:
        return self.values.shape[2]

    def write(self, row: int, strip: torch.Tensor) -> None:
        """Write a strip (1, C, rows, W) at `row`, and add it to the sums."""
        self.values[:, :, row : row + strip.shape[2]] = strip.to(self.values.device)
        exact = strip.float()
        self.sums += exact.sum(dim=(0, 2, 3)).cpu().double()
        self.squares += exact.square().sum(dim=(0, 2, 3)).cpu().double()


@dataclass(frozen=True)
class StripExecutor:
    """Runs an encoder or decoder `rows` rows at a time on `device`, with features in `store`.

    `before_each` is called before every strip and may raise, for a cancelled run.
    """

    rows: int
    device: torch.device
    store: torch.device
    before_each: Callable[[], None] = lambda: None

    def decode(self, decoder: Any, z: torch.Tensor) -> torch.Tensor:
        """Return `decoder(z)` in the store: (B, C, H, W) -> (B, 3, H * f, W * f)."""
        return torch.cat([self._decode(decoder, one) for one in z.split(1)])

    def encode(self, encoder: Any, x: torch.Tensor) -> torch.Tensor:
        """Return `encoder(x)` in the store: (B, 3, H, W) -> (B, C, H / f, W / f)."""
        return torch.cat([self._encode(encoder, one) for one in x.split(1)])

    def _decode(self, decoder: Any, z: torch.Tensor) -> torch.Tensor:
        features = self._middle(decoder, decoder.conv_in(z))
        for level in reversed(list(decoder.up)):
            for block in level.block:
                features = self._residual(block, features)
            if hasattr(level, "upsample"):
                features = self._upsampled(level.upsample.conv, features)
        result = self._out(decoder, features)
        return torch.tanh(result) if decoder.tanh_out else result

    def _encode(self, encoder: Any, x: torch.Tensor) -> torch.Tensor:
        features = self._convolved(encoder.conv_in, _Features(x.to(self.store)), _same)
        for level in encoder.down:
            for block in level.block:
                features = self._residual(block, features)
            if hasattr(level, "downsample"):
                features = self._downsampled(level.downsample.conv, features)
        features = self._middle(encoder, features.values.to(self.device))
        return self._out(encoder, features)

    def _middle(self, coder: Any, h: torch.Tensor) -> _Features:
        h = coder.mid.block_2(coder.mid.attn_1(coder.mid.block_1(h)))
        features = _Features(torch.empty_like(h, device=self.store))
        features.write(0, h)
        return features

    def _out(self, coder: Any, features: _Features) -> torch.Tensor:
        return self._convolved(coder.conv_out, features, _normed(coder.norm_out, features)).values

    def _residual(self, block: Any, features: _Features) -> _Features:
        shortcut = getattr(block, "nin_shortcut", _same)
        hidden = self._convolved(block.conv1, features, _normed(block.norm1, features))
        before = _normed(block.norm2, hidden)
        return self._convolved(block.conv2, hidden, before, (shortcut, features))

    def _convolved(
        self,
        conv: Any,
        features: _Features,
        before: Layer,
        added: tuple[Layer, _Features] | None = None,
    ) -> _Features:
        """A convolution (3x3, padded by 1) of `before(features)`, plus the layer of `added`."""
        height = features.height
        result = self._empty(conv.out_channels, height, features)
        for row in range(0, height, self.rows):
            end = min(row + self.rows, height)
            # One more row above and below: at inner borders zero padding would be wrong.
            first, last = max(row - 1, 0), min(end + 1, height)
            strip = conv(before(self._rows_of(features, first, last)))[:, :, row - first :]
            strip = strip[:, :, : end - row]
            if added is not None:
                layer, other = added
                strip = strip + layer(self._rows_of(other, row, end))
            result.write(row, strip)
        return result

    def _upsampled(self, conv: Any, features: _Features) -> _Features:
        """A convolution (3x3, padded by 1) of the features at twice their size (nearest)."""
        height = features.height
        result = self._empty(conv.out_channels, 2 * height, features, 2)
        rows = max(self.rows // 2, 1)
        for row in range(0, height, rows):
            end = min(row + rows, height)
            first, last = max(row - 1, 0), min(end + 1, height)
            twice = functional.interpolate(self._rows_of(features, first, last), scale_factor=2.0)
            strip = conv(twice)[:, :, 2 * (row - first) :]
            result.write(2 * row, strip[:, :, : 2 * (end - row)])
        return result

    def _downsampled(self, conv: Any, features: _Features) -> _Features:
        """A convolution (3x3, stride 2) of the features, padded at the right and at the bottom."""
        height = features.height // 2
        result = self._empty(conv.out_channels, height, features, 0.5)
        rows = max(self.rows // 2, 1)
        for row in range(0, height, rows):
            end = min(row + rows, height)
            strip = self._rows_of(features, 2 * row, 2 * end + 1)
            below = 2 * (end - row) + 1 - strip.shape[2]
            result.write(row, conv(functional.pad(strip, (0, 1, 0, below))))
        return result

    def _empty(self, channels: int, height: int, like: _Features, scale: float = 1.0) -> _Features:
        width = int(like.values.shape[3] * scale)
        return _Features(like.values.new_empty(1, channels, height, width, device=self.store))

    def _rows_of(self, features: _Features, first: int, last: int) -> torch.Tensor:
        self.before_each()
        return features.values[:, :, first:last].to(self.device)


def _same(x: torch.Tensor) -> torch.Tensor:
    return x


def _normed(norm: Any, features: _Features) -> Layer:
    """Group normalisation with the statistics of all features, then SiLU, for a strip of rows."""
    groups, channels = norm.num_groups, features.values.shape[1]
    count = features.values.numel() // groups
    mean = features.sums.view(groups, -1).sum(dim=1) / count
    variance = features.squares.view(groups, -1).sum(dim=1) / count - mean.square()
    each = channels // groups
    deviation = (variance.clamp(min=0) + norm.eps).sqrt().repeat_interleave(each)
    scale = norm.weight.detach().cpu().double() / deviation
    shift = norm.bias.detach().cpu().double() - mean.repeat_interleave(each) * scale
    scale, shift = (one.float().view(1, -1, 1, 1) for one in (scale, shift))

    def normed(rows: torch.Tensor) -> torch.Tensor:
        exact = rows.float() * scale.to(rows.device) + shift.to(rows.device)
        return functional.silu(exact).to(rows.dtype)

    return normed
