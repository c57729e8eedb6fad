"""Pictures at the sizes that a model is trained on: whole, cropped, or in buckets of shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

CENTER, RANDOM, WHOLE = "center", "random", "none"
CROPS = (CENTER, RANDOM, WHOLE)
BUCKET_STEP = 64  # pixels; the habit of SDXL's and kohya's buckets
_UNIT = 8  # pixels of a latent's cell
# Sides of whole pictures: a latent's cell times the patches of transformers.
_WHOLE_STEP = 16


@dataclass(frozen=True)
class Fitting:
    """The size of the model, the crop (one of CROPS), and whether pictures go into buckets."""

    width: int
    height: int
    crop: str = CENTER
    has_buckets: bool = False

    def __post_init__(self) -> None:
        for name, side in (("width", self.width), ("height", self.height)):
            if side < 64 or side % _UNIT:
                raise ValueError(f"{name} {side}: give a multiple of {_UNIT}, 64 or more")
        if self.crop not in CROPS:
            raise ValueError(f"crop {self.crop!r} is unknown: choose {', '.join(CROPS)}")


@dataclass(frozen=True)
class FittedPicture:
    """Pixels (`H, W, 3` in 0..1), and how they came from the picture.

    `crop` is the left and top edge in the scaled picture. `scale` is above 1 for an enlarged
    picture, `cut` the share of its area that is lost, `stretch` its distortion (1: none).
    """

    pixels: torch.Tensor
    crop: tuple[int, int]
    scale: float
    cut: float
    stretch: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]


def bucket_sizes(width: int, height: int) -> list[tuple[int, int]]:
    """Return the sizes (width, height) of buckets whose area is at most that of the model's size.

    Sides are multiples of 64, from half to double the side of a square of that area.
    """
    area = width * height
    side = math.sqrt(area)
    least = max(int(side / 2) // BUCKET_STEP * BUCKET_STEP, BUCKET_STEP)
    most = max(int(side * 2) // BUCKET_STEP * BUCKET_STEP, BUCKET_STEP)
    found = {(int(side) // BUCKET_STEP * BUCKET_STEP or BUCKET_STEP,) * 2}
    for across in range(least, most + 1, BUCKET_STEP):
        down = min(area // across // BUCKET_STEP * BUCKET_STEP, most)
        if down >= least:
            found |= {(across, down), (down, across)}
    return sorted(found)


def size_for(picture: tuple[int, int], fitting: Fitting) -> tuple[int, int]:
    """Return the size (width, height) at which a picture of a size is trained."""
    across, down = picture
    if fitting.has_buckets:
        shape = math.log(across / down)
        sizes = bucket_sizes(fitting.width, fitting.height)
        # The larger one of two that are equally near.
        return min(
            sizes, key=lambda one: (abs(math.log(one[0] / one[1]) - shape), -one[0] * one[1])
        )
    if fitting.crop != WHOLE:
        return fitting.width, fitting.height
    scale = math.sqrt(fitting.width * fitting.height / (across * down))
    sides = (max(round(side * scale / _WHOLE_STEP), 1) * _WHOLE_STEP for side in picture)
    width, height = (max(side, 64) for side in sides)
    return width, height


def fit(
    image: Image.Image, fitting: Fitting, generator: torch.Generator | None = None
) -> FittedPicture:
    """Return a picture at the size of the model; `generator` places a random crop."""
    target = size_for(image.size, fitting)
    scales = [to / of for to, of in zip(target, image.size, strict=True)]
    if fitting.crop == WHOLE:
        resized, offset, cut = _resized(image, target), (0, 0), 0.0
        stretch = max(scales) / min(scales)
    else:
        scale = max(scales)
        covering = [
            max(round(side * scale), to) for side, to in zip(image.size, target, strict=True)
        ]
        resized = _resized(image, (covering[0], covering[1]))
        room = [side - to for side, to in zip(covering, target, strict=True)]
        offset = _offset(room, fitting.crop, generator)
        box = (*offset, offset[0] + target[0], offset[1] + target[1])
        resized = resized.crop(box)
        cut = 1 - target[0] * target[1] / (covering[0] * covering[1])
        stretch = 1.0
    pixels = torch.from_numpy(np.asarray(resized, dtype=np.float32) / 255)
    return FittedPicture(pixels, offset, max(scales), cut, stretch)


def _offset(room: list[int], crop: str, generator: torch.Generator | None) -> tuple[int, int]:
    if crop == RANDOM:
        draws = [int(torch.randint(side + 1, (), generator=generator)) for side in room]
        return draws[0], draws[1]
    return room[0] // 2, room[1] // 2


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
