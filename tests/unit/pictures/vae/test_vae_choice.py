from __future__ import annotations

import pytest

from tipo_core.pictures.vae.vae_choice import (
    VaeSources,
    choice_problem,
    incomplete_problem,
    lacks_encoder,
    not_a_vae_problem,
    or_choose,
    taesd_files,
    tensor_summary,
    vae_tensor_names,
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


def test_menu_offers_only_what_is_whole_and_read_without_unpickling() -> None:
    names = ("a.safetensors", "sub/c.SFT", "diffusers: sdxl/vae", "taesd")
    assert SOURCES.choices() == [*names, "checkpoint: sd.safetensors", "connected VAE"]
    assert VaeSources().choices() == ["connected VAE"]


@pytest.mark.parametrize("choice", CHOICES)
def test_what_is_offered_has_no_problem(choice: str) -> None:
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
        ("taesdxl", ["'taesdxl_encoder.safetensors' is missing", "_decoder.safetensors' is there"]),
        (
            "taef1",
            ["_encoder.safetensors' is there", "'taef1_decoder.safetensors' is missing"],
        ),
        ("taesd3", ["'taesd3_encoder.pth' is not", "'taesd3_decoder.pth' is not", "convert"]),
    ],
)
def test_other_choices_are_refused_with_a_remedy(choice: str, words: list[str]) -> None:
    problem = choice_problem(choice, SOURCES)
    assert problem is not None
    assert all(word in problem for word in words), problem


def test_an_error_lists_what_there_is_but_not_all_of_many() -> None:
    assert "those found: none." in or_choose([])
    assert or_choose(["a", "b"]).endswith("'a', 'b'.")
    assert or_choose([str(n) for n in range(10)]).endswith("'7' and 2 more.")


def test_a_pair_is_encoder_and_decoder_of_one_name() -> None:
    assert taesd_files("taesd", SOURCES.approx) == (
        "taesd_encoder.sft",
        "taesd_decoder.safetensors",
    )
    assert taesd_files("taesd3", SOURCES.approx) == (None, None)


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


EXPECTED = ["encoder.a", "encoder.b", "quant_conv.w", "decoder.a", "post_quant_conv.w", "scale"]


@pytest.mark.parametrize(
    ("absent", "named"),
    [
        ([], None),
        (["scale"], None),
        (["encoder.a", "encoder.b", "quant_conv.w"], None),
        (["encoder.b"], "'encoder.b'"),
        (["quant_conv.w"], "'quant_conv.w'"),
        (["decoder.a"], "'decoder.a'"),
        (["post_quant_conv.w", "encoder.a", "encoder.b", "quant_conv.w"], "'post_quant_conv.w'"),
    ],
)
def test_a_vae_lacks_nothing_of_what_it_has(absent: list[str], named: str | None) -> None:
    given = {*EXPECTED, "more"} - set(absent)
    problem = incomplete_problem("x", EXPECTED, given)
    assert (named in (problem or "")) if named else problem is None
    decodes_only = {"encoder.a", "encoder.b", "quant_conv.w"} <= set(absent)
    assert lacks_encoder(EXPECTED, given) == decodes_only


def test_a_vae_without_any_encoder_in_its_design_lacks_none() -> None:
    assert not lacks_encoder(["decoder.a"], ["decoder.a"])
