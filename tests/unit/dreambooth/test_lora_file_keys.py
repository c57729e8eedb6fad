"""Keys of LoRA files, and the layers that get one."""

from __future__ import annotations

import pytest
import torch

from tipo_core.dreambooth.layers.lora_file_keys import (
    adapter_tensors,
    comfy_name,
    diffusers_name,
    kohya_names,
    with_names,
)
from tipo_core.dreambooth.layers.lora_targets import text_targets, unet_targets

# ComfyUI's name of a layer in an SD1.x UNet, and diffusers'.
PAIRS = {
    "input_blocks.0.0": "conv_in",
    "time_embed.2": "time_embedding.linear_2",
    "input_blocks.1.0.in_layers.2": "down_blocks.0.resnets.0.conv1",
    "input_blocks.1.1.proj_in": "down_blocks.0.attentions.0.proj_in",
    "input_blocks.2.1.transformer_blocks.0.attn1.to_q": (
        "down_blocks.0.attentions.1.transformer_blocks.0.attn1.to_q"
    ),
    "input_blocks.3.0.op": "down_blocks.0.downsamplers.0.conv",
    "input_blocks.4.0.skip_connection": "down_blocks.1.resnets.0.conv_shortcut",
    "input_blocks.11.0.emb_layers.1": "down_blocks.3.resnets.1.time_emb_proj",
    "middle_block.0.out_layers.3": "mid_block.resnets.0.conv2",
    "middle_block.1.transformer_blocks.0.ff.net.0.proj": (
        "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj"
    ),
    "middle_block.2.in_layers.2": "mid_block.resnets.1.conv1",
    "output_blocks.2.1.conv": "up_blocks.0.upsamplers.0.conv",
    "output_blocks.5.2.conv": "up_blocks.1.upsamplers.0.conv",
    "output_blocks.11.1.proj_out": "up_blocks.3.attentions.2.proj_out",
    "output_blocks.9.0.in_layers.2": "up_blocks.3.resnets.0.conv1",
    "out.2": "conv_out",
}


@pytest.mark.parametrize("name", PAIRS)
def test_names_of_sd1_are_those_of_diffusers(name: str) -> None:
    assert diffusers_name(name, 2) == PAIRS[name]


def test_kohyas_keys_of_sd1() -> None:
    layers = [
        "diffusion_model.input_blocks.1.1.proj_in",
        "clip_l.transformer.text_model.encoder.layers.3.mlp.fc1",
    ]
    assert list(kohya_names(layers, 2).values()) == [
        "lora_unet_down_blocks_0_attentions_0_proj_in",
        "lora_te_text_model_encoder_layers_3_mlp_fc1",
    ]


def test_kohyas_keys_of_sdxl_whatever_part_is_trained() -> None:
    unet = "diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q"
    of_g = "clip_g.transformer.text_model.encoder.layers.31.self_attn.k_proj"
    of_l = "clip_l.transformer.text_model.encoder.layers.0.self_attn.out_proj"
    assert kohya_names([unet, of_g], None) == {
        unet: "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
        of_g: "lora_te2_text_model_encoder_layers_31_self_attn_k_proj",
    }
    assert kohya_names([of_l], None)[of_l] == (
        "lora_te1_text_model_encoder_layers_0_self_attn_out_proj"
    )


def test_a_lora_model_has_comfyuis_keys() -> None:
    layer = "diffusion_model.input_blocks.1.1.proj_in"
    text = "clip_l.transformer.text_model.encoder.layers.3.mlp.fc1"
    assert comfy_name(layer) == layer and comfy_name(text) == f"text_encoders.{text}"
    tensors = adapter_tensors(torch.ones(2, 3), torch.ones(4, 2), 8.0)
    file = with_names({layer: tensors}, {layer: layer})
    assert set(file) == {
        f"{layer}.{end}" for end in ("lora_down.weight", "lora_up.weight", "alpha")
    }
    assert file[f"{layer}.alpha"].item() == 8.0 and file[f"{layer}.alpha"].ndim == 0


class Small(torch.nn.Module):
    """Names and kinds of layers of a UNet."""

    def __init__(self) -> None:
        super().__init__()
        block = torch.nn.Module()
        block.proj_in = torch.nn.Conv2d(4, 4, 1)
        block.attn1 = torch.nn.Module()
        block.attn1.to_q = torch.nn.Linear(4, 4)
        block.attn1.to_out = torch.nn.Sequential(torch.nn.Linear(4, 4))
        block.ff = torch.nn.Linear(4, 4)
        block.norm = torch.nn.LayerNorm(4)
        block.emb_layers = torch.nn.Sequential(torch.nn.SiLU(), torch.nn.Linear(4, 4))
        block.conv = torch.nn.Conv2d(4, 4, 3)
        block.depthwise = torch.nn.Conv2d(4, 4, 3, groups=4)
        self.time_embed = torch.nn.Sequential(torch.nn.Linear(4, 4))
        self.block = block


def names(targets: str) -> set[str]:
    return {name.removeprefix("block.") for name, _ in unet_targets(Small(), targets)}


def test_targets() -> None:
    attention = {"attn1.to_q", "attn1.to_out.0"}
    linear = attention | {"ff", "proj_in"}
    assert names("attention") == attention
    assert names("linear") == linear
    assert names("linear and convolution") == linear | {"conv", "emb_layers.1"}
    with pytest.raises(ValueError, match="targets 'all' is unknown: choose attention, linear"):
        names("all")


def test_text_targets_are_the_layers_of_the_transformer() -> None:
    model = torch.nn.Module()
    model.encoder = torch.nn.Module()
    model.encoder.layers = torch.nn.ModuleList([torch.nn.Sequential(torch.nn.Linear(2, 2))])
    model.text_projection = torch.nn.Linear(2, 2)
    assert [name for name, _ in text_targets(model)] == ["encoder.layers.0.0"]
