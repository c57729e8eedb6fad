from __future__ import annotations

import pytest

from tipo_core.pictures.vae.vae_tensors import (
    incomplete_problem,
    lacks_encoder,
    not_a_vae_problem,
    tensor_summary,
    vae_tensor_names,
)


@pytest.mark.parametrize("prefix", ["first_stage_model.", "vae."])
def test_vae_of_a_checkpoint_is_found_by_its_prefix(prefix: str) -> None:
    names = ["model.diffusion_model.x", f"{prefix}decoder.conv_in.weight", "cond_stage_model.y"]
    inside = vae_tensor_names(names)
    assert inside == {"decoder.conv_in.weight": f"{prefix}decoder.conv_in.weight"}
    assert vae_tensor_names(names[::2]) == {}


def test_errors_summarise_the_tensors_of_the_file() -> None:
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
def test_missing_tensors_of_a_vae_are_named(absent: list[str], named: str | None) -> None:
    given = {*EXPECTED, "more"} - set(absent)
    problem = incomplete_problem("x", EXPECTED, given)
    assert (named in (problem or "")) if named else problem is None
    decodes_only = {"encoder.a", "encoder.b", "quant_conv.w"} <= set(absent)
    assert lacks_encoder(EXPECTED, given) == decodes_only


def test_a_vae_without_any_encoder_in_its_design_lacks_none() -> None:
    assert not lacks_encoder(["decoder.a"], ["decoder.a"])
