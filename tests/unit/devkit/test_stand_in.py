"""The stand-in checkpoint's weights: the shapes by which SD1.x is recognised, and sane scales."""

from __future__ import annotations

import pytest
import torch

from devkit import stand_in_weights as weights


@pytest.fixture(scope="module")
def unet() -> weights.Weights:
    return weights.unet()


def test_shapes_that_comfyui_recognises(unet: weights.Weights) -> None:
    assert unet["input_blocks.0.0.weight"].shape == (320, 4, 3, 3)
    context = unet["input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"]
    assert context.shape == (320, 768)


def test_the_same_on_every_call(unet: weights.Weights) -> None:
    again = weights.unet()
    assert unet.keys() == again.keys()
    assert all(torch.equal(value, again[key]) for key, value in unet.items())


def test_values_do_not_depend_on_the_order_of_calls() -> None:
    first = weights.normal("a", 3, std=1.0)
    weights.normal("b", 3, std=1.0)
    assert torch.equal(weights.normal("a", 3, std=1.0), first)
    assert not torch.equal(weights.normal("b", 3, std=1.0), first)


def test_vae_decoder_is_the_linear_preview() -> None:
    """One constant latent pixel gives the colour that the preview gives it, between 0 and 1."""
    vae = weights.taesd()
    latent = torch.tensor([0.5, -0.25, 0.75, -0.5])
    x = torch.relu(vae["taesd_decoder.1.weight"][:, :, 1, 1] @ latent)
    # Away from the border the blur leaves a constant as it is.
    for position in (7, 12, 17):
        x = vae[f"taesd_decoder.{position}.weight"].sum((2, 3)) @ x
    rgb = vae["taesd_decoder.19.weight"].sum((2, 3)) @ x + vae["taesd_decoder.19.bias"]
    expected = 0.5 + 0.5 * (latent @ torch.tensor(weights.LATENT_TO_RGB))
    torch.testing.assert_close(rgb, expected)
