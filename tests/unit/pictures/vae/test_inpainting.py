from __future__ import annotations

import pytest
import torch

from tipo_core.pictures.vae.inpainting import (
    composited,
    filled_from_surroundings,
    fitted_mask,
    fitted_original,
    grown,
    mask_of,
)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def box(height: int, width: int, rows: slice, columns: slice) -> torch.Tensor:
    mask = torch.zeros(1, 1, height, width)
    mask[..., rows, columns] = 1
    return mask


@pytest.mark.parametrize("shape", [(20, 30), (1, 20, 30), (2, 20, 30), (2, 1, 20, 30)])
def test_masks_of_every_shape_become_one(shape: tuple[int, ...]) -> None:
    mask = random(*shape)
    found = mask_of(mask, (2, 20, 30, 3))
    assert found.shape[1:] == (1, 20, 30)
    assert torch.equal(found.flatten(), mask.flatten())


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 30, 20), "mask is 20 x 30, the picture 30 x 20"),
        ((3, 20, 30), "3 masks for 2 pictures"),
    ],
)
def test_mask_that_does_not_fit_is_named_with_the_picture(
    shape: tuple[int, ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        mask_of(random(*shape), (2, 20, 30, 3))


def test_empty_mask_of_load_image_is_explained() -> None:
    with pytest.raises(ValueError, match=r"without an alpha channel.*connect the mask"):
        mask_of(torch.zeros(1, 64, 64), (1, 20, 30, 3))
    with pytest.raises(ValueError, match="scale the mask"):
        mask_of(torch.ones(1, 64, 64), (1, 20, 30, 3))


def test_growing_is_the_largest_value_near_by() -> None:
    mask = random(1, 1, 9, 11)
    found = grown(mask, 2)
    for y in range(9):
        for x in range(11):
            near = mask[0, 0, max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
            assert found[0, 0, y, x] == near.max()
    assert grown(mask, 0) is mask


def test_fill_does_not_change_pixels_outside_the_mask() -> None:
    pixels = random(2, 37, 50, 3)
    mask = box(37, 50, slice(5, 20), slice(30, 50))
    filled = filled_from_surroundings(pixels, mask)
    kept = (mask == 0)[0, 0]
    assert torch.equal(filled[:, kept], pixels[:, kept])
    assert not torch.equal(filled, pixels)


@pytest.mark.parametrize("size", [(8, 8), (37, 50), (1, 9), (64, 64)])
def test_fill_of_one_colour_is_that_colour(size: tuple[int, int]) -> None:
    pixels = torch.tensor([0.9, 0.2, 0.4]).expand(1, *size, 3).clone()
    mask = box(*size, slice(0, size[0]), slice(size[1] // 2, size[1]))
    painted = torch.where(mask.movedim(1, -1) > 0, 0.5, pixels)
    torch.testing.assert_close(filled_from_surroundings(painted, mask), pixels)


def test_fill_is_smooth_and_between_the_kept_values() -> None:
    pixels = torch.full((1, 32, 96, 3), 0.5)
    pixels[:, :, :32], pixels[:, :, 64:] = 0.1, 0.8
    filled = filled_from_surroundings(pixels, box(32, 96, slice(0, 32), slice(32, 64)))
    row = filled[0, 16, 32:64, 0]
    assert row.min() >= 0.1 - 1e-6
    assert row.max() <= 0.8 + 1e-6
    assert row[0] < 0.25
    assert row[-1] > 0.65
    assert filled.diff(dim=2).abs().max() < 0.2, "a step in the fill"


def test_fill_of_a_soft_mask_is_mixed() -> None:
    pixels = torch.full((1, 16, 16, 3), 0.2)
    pixels[:, :, 8:] = 1.0
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., 8:] = 0.75
    whole = torch.where(mask > 0, 1.0, mask)
    soft, hard = (filled_from_surroundings(pixels, one) for one in (mask, whole))
    assert (soft[:, :, 8:] > hard[:, :, 8:]).all()
    assert (soft[:, :, 8:] < 1.0).all()


def test_picture_without_surroundings_is_named() -> None:
    mask = torch.zeros(3, 1, 8, 8)
    mask[1] = 1
    with pytest.raises(ValueError, match=r"whole of picture 1: .* set fill to keep"):
        filled_from_surroundings(random(3, 8, 8, 3), mask)


def test_composite_is_exact_where_the_mask_is_and_linear_between() -> None:
    decoded, original = random(2, 40, 33, 3, seed=1), random(1, 40, 33, 3, seed=2)
    mask = random(1, 40, 33, 1, seed=3)
    mask[:, :10], mask[:, 30:] = 0, 1
    found = composited(decoded, original, mask)
    assert torch.equal(found[:, :10], original[:, :10].expand(2, -1, -1, -1))
    assert torch.equal(found[:, 30:], decoded[:, 30:])
    expected = original.double() * (1 - mask.double()) + decoded.double() * mask.double()
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=0)


def test_original_is_cut_as_the_encoder_cuts() -> None:
    original = random(1, 67, 100, 4)
    found = fitted_original(original, (2, 64, 96, 3), 8)
    assert torch.equal(found, original[:, 1:65, 2:98, :3])
    largest = random(1, 71, 103, 3)
    assert fitted_original(largest, (1, 64, 96, 3), 8).shape == (1, 64, 96, 3)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 72, 64, 3), "original is 64 x 72, the decoded picture 64 x 64"),
        ((1, 64, 56, 3), "original is 56 x 64"),
        ((3, 64, 64, 3), "3 originals for 2 decoded"),
        ((1, 64, 64, 1), "1 channels, the decoded picture 3"),
    ],
)
def test_original_that_does_not_fit_is_named(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fitted_original(torch.zeros(shape), (2, 64, 64, 3), 8)


def test_mask_of_a_latent_is_cut_scaled_or_refused() -> None:
    mask = random(1, 1, 64, 64)
    shape = (2, 64, 64, 3)
    assert torch.equal(fitted_mask(mask, shape, shape)[0, ..., 0], mask[0, 0])
    uncut = random(1, 1, 67, 65)
    cut = fitted_mask(uncut, shape, (1, 67, 65, 3))
    assert torch.equal(cut[0, ..., 0], uncut[0, 0, 1:65, :64])
    small = torch.tensor([[[[0.0, 1.0]]]])
    assert fitted_mask(small, (1, 2, 4, 3), (1, 2, 4, 3))[0, 0, :, 0].tolist() == [
        0.0,
        0.25,
        0.75,
        1.0,
    ]
    with pytest.raises(ValueError, match="3 masks for 2 decoded"):
        fitted_mask(random(3, 1, 64, 64), shape, shape)


def test_original_of_the_decoded_size_is_unchanged() -> None:
    original = random(2, 16, 24, 3)
    assert torch.equal(fitted_original(original, original.shape, 8), original)


@pytest.mark.parametrize("size", [(24, 24), (16, 32)])
def test_original_larger_by_a_latent_pixel_does_not_fit(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="scale it to this size"):
        fitted_original(torch.zeros(1, *size, 3), (1, 16, 24, 3), 8)
