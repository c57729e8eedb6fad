"""Equal, nearly equal and mirrored pictures are found; others are not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from tipo_core.dreambooth.dataset.picture_likeness import like_pairs, likeness_of


def photo(seed: int) -> Image.Image:
    """A smooth picture with shapes, different for each seed."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    image = small.resize((320, 240), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(5):
        x, y = (int(one) for one in rng.integers(0, 200, 2))
        colour = tuple(int(one) for one in rng.integers(0, 256, 3))
        draw.ellipse((x, y, x + 60, y + 40), fill=colour)
    return image


def again(image: Image.Image, quality: int = 60) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


CHANGES = {
    "compressed": again,
    "scaled": lambda image: image.resize((200, 150)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.05),
    "cropped": lambda image: image.crop((3, 2, 317, 238)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_nearly_equal_pictures_are_found(change: str) -> None:
    pictures = [likeness_of(photo(seed)) for seed in range(20)]
    changed = [likeness_of(CHANGES[change](photo(seed))) for seed in range(20)]
    found = [like_pairs([one, other]) for one, other in zip(pictures, changed, strict=True)]
    assert sum(bool(one) for one in found) >= 19
    assert all(one == [(0, 1, "nearly equal")] for one in found if one)


def test_equal_pictures_are_named_so() -> None:
    pictures = [likeness_of(photo(seed)) for seed in (1, 2, 1, 1)]
    assert like_pairs(pictures) == [(0, 2, "equal"), (0, 3, "equal")]


def test_mirrored_pictures_are_found() -> None:
    image = photo(1)
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert like_pairs([likeness_of(image), likeness_of(mirrored)]) == [(0, 1, "mirrored")]


def test_different_pictures_are_not_alike() -> None:
    assert like_pairs([likeness_of(photo(seed)) for seed in range(300)]) == []


def test_a_subject_on_other_grounds_is_not_a_duplicate() -> None:
    def drawing(ground: tuple[int, int, int]) -> Image.Image:
        image = Image.new("RGB", (128, 128), ground)
        ImageDraw.Draw(image).ellipse((30, 30, 98, 128), fill=(250, 160, 210))
        return image

    grounds = ((29, 78, 216), (109, 40, 217), (194, 65, 12), (30, 41, 59))
    assert like_pairs([likeness_of(drawing(one)) for one in grounds]) == []
