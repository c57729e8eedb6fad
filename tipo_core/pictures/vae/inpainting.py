"""Inpainting around a VAE: masks are grown and filled before encoding, composited after decoding.

A mask is (B, 1, H, W) in 0..1, where 1 is redrawn and 0 is kept; pictures are (B, H, W, C).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

KEEP = "keep"
SURROUNDINGS = "surroundings"
FILLS = (KEEP, SURROUNDINGS)

# The size of the mask that core's Load Image returns for a picture without an alpha channel.
_NO_ALPHA = (64, 64)


def mask_of(mask: torch.Tensor, pixels_shape: Sequence[int]) -> torch.Tensor:
    """Return ComfyUI's mask (H, W), (B, H, W) or (B, 1, H, W) as (B, 1, H, W), not copied.

    Raises ValueError if its size differs from that of the pictures, `pixels_shape`
    (B, H, W, C), or where there is neither one mask nor one for each picture.
    """
    size = tuple(mask.shape[-2:])
    if size != tuple(pixels_shape[1:3]):
        hint = "scale the mask to the picture"
        if size == _NO_ALPHA and not mask.any():
            hint = (
                "Load Image returns this empty mask for a picture without an alpha channel; "
                "connect the mask that you painted"
            )
        raise ValueError(
            f"The mask is {size[1]} x {size[0]}, the picture {pixels_shape[2]} x "
            f"{pixels_shape[1]} (width x height): {hint}."
        )
    mask = mask.reshape(-1, 1, *size)
    if len(mask) not in (1, pixels_shape[0]):
        raise ValueError(
            f"There are {len(mask)} masks for {pixels_shape[0]} pictures: give one mask, or one "
            "for each picture."
        )
    return mask


def grown(mask: torch.Tensor, pixels: int) -> torch.Tensor:
    """Return a mask grown by `pixels` to each side (the maximum there); soft edges stay soft."""
    if pixels <= 0:
        return mask
    width = 2 * pixels + 1
    mask = F.max_pool2d(mask, (1, width), stride=1, padding=(0, pixels))
    return F.max_pool2d(mask, (width, 1), stride=1, padding=(pixels, 0))


def filled_from_surroundings(pixels: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Fill the masked part of pictures (B, H, W, C) smoothly from the part that is not masked.

    A pull-push pyramid (Gortler et al. 1996, "The Lumigraph"): colours are averaged with weight
    1 - mask, level by level down to one pixel, and the gaps of a level are filled from the coarser
    one. Each filled value is a mean of kept ones. Pixels of mask 0 do not change by a bit, pixels
    of a soft mask are mixed. Raises ValueError if a picture is masked completely.
    """
    mask = mask.expand(len(pixels), -1, -1, -1).to(pixels)
    empty = [str(n) for n, one in enumerate(mask) if one.min() >= 1]
    if empty:
        raise ValueError(
            f"The mask covers the whole of picture {', '.join(empty)}: nothing is left to "
            f"fill it from. Paint a smaller mask, or set fill to {KEEP}."
        )
    weight = 1 - mask
    colour = pixels.movedim(-1, 1) * weight
    levels = []
    while max(weight.shape[-2:]) > 1:
        levels.append((colour, weight))
        colour, weight = (F.avg_pool2d(x, 2, ceil_mode=True) for x in (colour, weight))
    fill = colour / weight
    for colour, weight in reversed(levels):
        fill = F.interpolate(fill, size=weight.shape[-2:], mode="bilinear", align_corners=False)
        fill = colour + (1 - weight) * fill
    return torch.lerp(pixels, fill.movedim(1, -1), mask.movedim(1, -1))


def fitted_original(original: torch.Tensor, shape: Sequence[int], factor: int) -> torch.Tensor:
    """Crop the original to the shape (B, H, W, C) of a decoded batch, as a VAE's encoder crops.

    An encoder crops height and width to multiples of its `factor`, equally on both sides. Returns
    (B or 1, H, W, C). Raises ValueError if sizes, batches or channels do not fit.
    """
    height, width = original.shape[1:3]
    rows, columns = height - shape[1], width - shape[2]
    if not (0 <= rows < factor and 0 <= columns < factor):
        raise ValueError(
            f"The original is {width} x {height}, the decoded picture {shape[2]} x {shape[1]} "
            "(width x height): connect the picture that was encoded, or scale it to this size."
        )
    if len(original) not in (1, shape[0]):
        raise ValueError(
            f"There are {len(original)} originals for {shape[0]} decoded pictures: give one, or "
            "one for each."
        )
    if original.shape[-1] < shape[-1]:
        raise ValueError(
            f"The original has {original.shape[-1]} channels, the decoded picture {shape[-1]}: "
            "convert it to RGB."
        )
    return _crop(original, shape)[..., : shape[-1]]


def _crop(pictures: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Return the middle of (B, H, W, C) with the height and width in `shape`."""
    height, width = shape[1:3]
    top, left = (pictures.shape[1] - height) // 2, (pictures.shape[2] - width) // 2
    return pictures[:, top : top + height, left : left + width]


def fitted_mask(
    mask: torch.Tensor, shape: Sequence[int], original_shape: Sequence[int]
) -> torch.Tensor:
    """Return a latent's noise mask as (B or 1, H, W, 1) for a decoded batch (B, H, W, C).

    A mask of the original's size (SetLatentNoiseMask keeps it) is cropped like the original; a mask
    of another size is scaled (bilinear), as the sampler scales it to the latent. Raises ValueError
    where there is neither one mask nor one for each picture.
    """
    mask = mask.reshape(-1, 1, *mask.shape[-2:])
    if len(mask) not in (1, shape[0]):
        raise ValueError(
            f"The latent carries {len(mask)} masks for {shape[0]} decoded pictures: give one "
            "mask, or one for each picture."
        )
    size = tuple(mask.shape[-2:])
    if size == tuple(original_shape[1:3]):
        return _crop(mask.movedim(1, -1), shape)
    if size != tuple(shape[1:3]):
        mask = F.interpolate(mask, size=tuple(shape[1:3]), mode="bilinear", align_corners=False)
    return mask.movedim(1, -1)


def composited(decoded: torch.Tensor, original: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return original + mask * (decoded - original); exact to the bit at mask 0 and 1.

    Shapes as `fitted_original` and `fitted_mask` return them.
    """
    mask = mask.to(decoded).expand_as(decoded)
    return torch.lerp(original.to(decoded).expand_as(decoded), decoded, mask)
