from __future__ import annotations

import pytest

from tipo_core.pictures.vae import (
    channel_problem,
    choice_problem,
    not_a_vae_problem,
    tensor_summary,
    vae_choices,
    vae_tensor_names,
)

CHOICES = vae_choices(["a.safetensors", "b.pt", "sub/c.SFT"], ["sd.safetensors", "old.ckpt"])


def test_menu_offers_only_what_is_read_without_unpickling() -> None:
    assert CHOICES == ["a.safetensors", "sub/c.SFT", "checkpoint: sd.safetensors"]
    assert vae_choices([], []) == []


@pytest.mark.parametrize("choice", CHOICES)
def test_what_is_offered_has_no_problem(choice: str) -> None:
    assert choice_problem(choice, CHOICES) is None


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("", ["models/vae"]),
        ("b.pt", ["'b.pt'", "pickles", "convert"]),
        ("checkpoint: old.ckpt", ["old.ckpt", "pickles"]),
        ("gone.safetensors", ["'gone.safetensors'", "models/vae", "'a.safetensors'"]),
        ("checkpoint: gone.safetensors", ["models/checkpoints"]),
        ("../a.safetensors", ["not found"]),
    ],
)
def test_other_choices_are_refused_with_a_remedy(choice: str, words: list[str]) -> None:
    problem = choice_problem(choice, CHOICES)
    assert problem is not None
    assert all(word in problem for word in words), problem


def test_an_empty_folder_is_said_plainly() -> None:
    assert "those found: none" in (choice_problem("x.safetensors", []) or "")


@pytest.mark.parametrize("prefix", ["first_stage_model.", "vae."])
def test_vae_of_a_checkpoint_is_found_by_its_prefix(prefix: str) -> None:
    names = ["model.diffusion_model.x", f"{prefix}decoder.conv_in.weight", "cond_stage_model.y"]
    inside = vae_tensor_names(names)
    assert inside == {"decoder.conv_in.weight": f"{prefix}decoder.conv_in.weight"}
    assert vae_tensor_names(names[::2]) == {}


def test_errors_say_what_the_file_holds() -> None:
    names = [f"model.{i}" for i in range(5)] + ["cond.x"]
    assert tensor_summary(names) == "6 tensors: model (5), cond (1)"
    assert tensor_summary([]) == "no tensors"
    assert tensor_summary("abcdef") == "6 tensors: a (1), b (1), c (1), d (1), ..."
    assert "model (5)" in not_a_vae_problem("x.safetensors", names)
    assert "includes no VAE" in not_a_vae_problem("checkpoint: x.safetensors", names)
    whole = not_a_vae_problem("x.safetensors", ["vae.decoder.x"])
    assert "choose 'checkpoint: x.safetensors'" in whole


def test_channel_mismatch_names_both_sides() -> None:
    assert channel_problem(4, (1, 4, 8, 8)) is None
    problem = channel_problem(16, (2, 4, 64, 64)) or ""
    assert "decodes 16 latent channels, the latent has 4 (shape 2 x 4 x 64 x 64)" in problem
