from __future__ import annotations

import pytest

from tipo_core.pictures.vae.input_checks import (
    broken_vae_problem,
    channel_problem,
    pixels_problem,
)


def test_channel_mismatch_names_both_sides() -> None:
    assert channel_problem(4, (1, 4, 8, 8)) is None
    problem = channel_problem(16, (2, 4, 64, 64)) or ""
    assert "decodes 16 latent channels, the latent has 4 (shape 2 x 4 x 64 x 64)" in problem


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((64, 64, 3), "not 64 x 64 x 3"),
        ((1, 64, 64, 1), "encodes 3 colour channels, the pixels have 1"),
        ((1, 7, 64, 3), "picture is 64 x 7, the VAE needs at least 8 x 8"),
    ],
)
def test_pixels_that_no_vae_takes_are_named(shape: tuple[int, ...], words: str) -> None:
    assert words in str(pixels_problem(shape, 3, 8))


def test_pixels_that_fit_have_no_problem() -> None:
    assert pixels_problem((1, 8, 8, 3), 3, 8) is None
    assert pixels_problem((5, 70, 100, 4), 3, 8) is None


def test_broken_vae_is_named_with_the_remedy() -> None:
    problem = broken_vae_problem("decode")
    assert "NaN" in problem and "decode" in problem and "choose another VAE" in problem
