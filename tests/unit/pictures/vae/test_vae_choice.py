from __future__ import annotations

import pytest

from tipo_core.pictures.vae.vae_choice import (
    VaeSources,
    choice_problem,
    or_choose,
    taesd_files,
)

SOURCES = VaeSources(
    files=("a.safetensors", "b.pt", "sub/c.SFT"),
    checkpoints=("sd.safetensors", "old.ckpt"),
    approx=(
        *("taesd_encoder.pth", "taesd_encoder.sft", "taesd_decoder.safetensors"),
        *("taesdxl_decoder.safetensors", "taesd3_encoder.pth", "taesd3_decoder.pth"),
        "taef1_encoder.safetensors",
    ),
    folders=("sdxl/vae",),
)
CHOICES = SOURCES.choices()


def test_menu_offers_only_complete_vaes_that_need_no_unpickling() -> None:
    names = ("a.safetensors", "sub/c.SFT", "diffusers: sdxl/vae", "taesd")
    assert SOURCES.choices() == [*names, "checkpoint: sd.safetensors", "connected VAE"]
    assert VaeSources().choices() == ["connected VAE"]


@pytest.mark.parametrize("choice", CHOICES)
def test_offered_choices_have_no_problem(choice: str) -> None:
    assert choice_problem(choice, SOURCES) is None


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("", ["models/vae"]),
        ("b.pt", ["'b.pt'", "pickles", "convert", "'a.safetensors'"]),
        ("checkpoint: old.ckpt", ["old.ckpt", "pickles"]),
        ("gone.safetensors", ["'gone.safetensors'", "models/vae", "'a.safetensors'"]),
        ("checkpoint: gone.safetensors", ["models/checkpoints"]),
        ("../a.safetensors", ["not found"]),
        (
            "taesdxl",
            ["'taesdxl_encoder.safetensors' is missing", "_decoder.safetensors' was found"],
        ),
        (
            "taef1",
            ["_encoder.safetensors' was found", "'taef1_decoder.safetensors' is missing"],
        ),
        ("taesd3", ["'taesd3_encoder.pth' is not", "'taesd3_decoder.pth' is not", "convert"]),
    ],
)
def test_other_choices_are_refused_with_a_remedy(choice: str, words: list[str]) -> None:
    problem = choice_problem(choice, SOURCES)
    assert problem is not None
    assert all(word in problem for word in words), problem


def test_error_lists_at_most_eight_choices() -> None:
    assert "those found: none." in or_choose([])
    assert or_choose(["a", "b"]).endswith("'a', 'b'.")
    assert or_choose([str(n) for n in range(10)]).endswith("'7' and 2 more.")


def test_a_pair_is_encoder_and_decoder_of_one_name() -> None:
    assert taesd_files("taesd", SOURCES.approx) == (
        "taesd_encoder.sft",
        "taesd_decoder.safetensors",
    )
    assert taesd_files("taesd3", SOURCES.approx) == (None, None)
