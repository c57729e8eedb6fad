"""Sizes, buckets and crops of training pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from tipo_core.dreambooth.dataset.picture_fitting import (
    CENTER,
    RANDOM,
    WHOLE,
    Fitting,
    bucket_sizes,
    fit,
    size_for,
)


def gradient(width: int, height: int) -> Image.Image:
    """A picture whose red is its column and whose green is its row."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 0] = np.arange(width)[None]
    pixels[..., 1] = np.arange(height)[:, None]
    return Image.fromarray(pixels)


def known_buckets(side: int) -> set[tuple[int, int]]:
    """The usual buckets of trainers: steps of 64 from half to double the side, area at most."""
    found = {(side // 64 * 64,) * 2}
    for width in range(side // 2, 2 * side + 1, 64):
        height = min(2 * side, side * side // width // 64 * 64)
        if height >= side // 2:
            found |= {(width, height), (height, width)}
    return found


@pytest.mark.parametrize("side", [512, 768, 1024])
def test_buckets_are_the_usual_ones(side: int) -> None:
    sizes = bucket_sizes(side, side)
    assert set(sizes) == known_buckets(side)
    assert all(w % 64 == h % 64 == 0 and w * h <= side * side for w, h in sizes)


def test_the_small_size_of_a_toy_has_buckets() -> None:
    assert (128, 128) in bucket_sizes(128, 128)
    assert all(w * h <= 128 * 128 for w, h in bucket_sizes(128, 128))


@pytest.mark.parametrize(
    ("picture", "bucket"),
    [((1000, 1000), (512, 512)), ((1920, 1080), (640, 384)), ((1080, 1920), (384, 640))],
)
def test_a_picture_goes_to_the_bucket_of_its_shape(
    picture: tuple[int, int], bucket: tuple[int, int]
) -> None:
    found = size_for(picture, Fitting(512, 512, has_buckets=True))
    shapes = [abs(math.log(w / h * picture[1] / picture[0])) for w, h in bucket_sizes(512, 512)]
    assert abs(math.log(found[0] / found[1] * picture[1] / picture[0])) == min(shapes)
    assert found == bucket


def test_the_size_of_the_model_is_left_as_it_is() -> None:
    image = gradient(64, 64)
    fitted = fit(image, Fitting(64, 64))
    assert torch.equal(
        (fitted.pixels * 255).round().to(torch.uint8), torch.from_numpy(np.array(image))
    )
    assert (fitted.scale, fitted.cut, fitted.crop, fitted.stretch) == (1.0, 0.0, (0, 0), 1.0)


def test_center_crop_is_the_middle() -> None:
    fitted = fit(gradient(192, 64), Fitting(64, 64))
    assert fitted.crop == (64, 0)
    assert fitted.cut == pytest.approx(2 / 3)
    reds = (fitted.pixels[0, :, 0] * 255).round()
    assert reds.tolist() == list(range(64, 128))


def test_random_crop_follows_the_seed_and_moves() -> None:
    def crop(seed: int) -> tuple[int, int]:
        generator = torch.Generator().manual_seed(seed)
        return fit(gradient(192, 64), Fitting(64, 64, RANDOM), generator).crop

    assert crop(3) == crop(3)
    places = {crop(seed)[0] for seed in range(40)}
    assert len(places) > 20 and min(places) >= 0 and max(places) <= 128
    assert {crop(seed)[1] for seed in range(5)} == {0}


def test_no_crop_keeps_the_whole_picture() -> None:
    fitted = fit(gradient(200, 100), Fitting(128, 128, WHOLE))
    width, height = fitted.size
    assert width % 16 == height % 16 == 0
    assert width * height == pytest.approx(128 * 128, rel=0.15)
    assert width / height == pytest.approx(2, rel=0.15)
    assert fitted.cut == 0
    assert fitted.pixels[0, -1, 0] * 255 == pytest.approx(199, abs=1)


def test_a_small_picture_is_enlarged_and_says_by_how_much() -> None:
    assert fit(gradient(64, 32), Fitting(128, 128)).scale == 4


def test_buckets_lose_less_than_squares() -> None:
    image = gradient(250, 140)
    assert fit(image, Fitting(512, 512, CENTER, True)).cut < fit(image, Fitting(512, 512)).cut / 4


@pytest.mark.parametrize("values", [(500, 512, CENTER), (0, 512, CENTER), (512, 512, "middle")])
def test_wrong_values_are_named(values: tuple[int, int, str]) -> None:
    with pytest.raises(ValueError, match=r"multiple of 8|choose center"):
        Fitting(*values)
