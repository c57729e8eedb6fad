"""Losses against the network's own output, and LoRA keys against readers of other programs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import NAME
from tests.host.inside import run_inside

Found = dict[str, Any]


@pytest.fixture(scope="module")
def losses(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The results of hosted_losses.py."""
    base: Path = tmp_path_factory.mktemp("losses")
    checkpoint = this_checkout().base / "models" / "checkpoints" / NAME
    found: Found = run_inside(host, "train/hosted_losses.py", base, checkpoint)
    return found


@pytest.fixture(scope="module")
def keys(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The results of hosted_lora_keys.py."""
    found: Found = run_inside(host, "train/hosted_lora_keys.py", tmp_path_factory.mktemp("keys"))
    return found


@pytest.mark.parametrize("kind", ["eps", "v", "zsnr", "edm", "flow"])
def test_the_loss_is_that_of_the_networks_output(losses: Found, kind: str) -> None:
    for ours, exact, sigmas in losses["losses"][kind]:
        assert ours == pytest.approx(exact, rel=1e-4), sigmas


def test_a_users_lora_counts_also_where_memory_is_short(losses: Found) -> None:
    found = losses["low memory"]
    assert found["part"] == pytest.approx(found["whole"], rel=1e-4)
    if not found["dynamic"]:  # on a CPU its emulation runs without the patches of large layers
        assert found["plain"][0] != pytest.approx(found["whole"][0], rel=1e-3)
    assert found["same"] and found["left"] == []


def test_the_memory_of_activations_is_counted_before_the_start(losses: Found) -> None:
    kept, checkpointed, saved = losses["memory"]
    assert kept == pytest.approx(saved, rel=0.05)
    assert 0 < checkpointed < kept / 2


def test_sdxl_reads_sizes_and_crops_and_trains_both_encoders(host: Host, tmp_path: Path) -> None:
    found = run_inside(host, "train/hosted_sdxl_training.py", tmp_path)
    # The subject's caption has more than 75 tokens; both pictures are one batch all the same.
    (shape,) = found["contexts"]
    assert shape[0] == 2 and shape[1] > 77
    # height, width, top, left, target height, target width, as diffusers' add_time_ids
    assert found["sizes"] < 1e-4 and found["pooled"] > 0
    gradients = found["gradients"]
    assert len(gradients) == 2 * 3 * 6
    for name, norm in gradients.items():
        # SDXL takes the last layer but one of CLIP-L, and the pooled output of CLIP-G.
        is_used = not name.startswith("clip_l.transformer.text_model.encoder.layers.2.")
        assert bool(norm) == is_used, name
    assert found["counted"][0] >= found["counted"][1] > 0
    assert found["same"] and found["left"] == []


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("file", ["lora model", "kohya"])
def test_core_loads_every_key(keys: Found, kind: str, file: str) -> None:
    found = keys[kind][file]
    assert found["log"] == [] and found["wrong"] == []
    assert found["count"] == keys[kind]["layers"]


def test_the_layers_are_those_of_other_trainers(keys: Found) -> None:
    # diffusers' LoRA of SD1.5 has 128 attention layers (16 blocks x 2 x 4), kohya's 192 modules in
    # the UNet (16 x 12) and 72 in CLIP-L; SDXL's have 70 blocks: 560, and 722 with kohya; its text
    # encoders have 72 and 192.
    assert keys["sd15"]["small"] == {"attention": 128, "linear": 192}
    assert keys["sd15"]["text layers"] == 72
    assert keys["sdxl"]["small"] == {"attention": 560, "linear": 722}
    assert keys["sdxl"]["text layers"] == 72 + 192


def a1111_name(key: str, *, is_sdxl: bool) -> str:
    """The module that A1111's Lora extension (networks.py) finds for a key."""
    inner = {"conv1": "in_layers_2", "conv2": "out_layers_3", "time_emb_proj": "emb_layers_1",
             "conv_shortcut": "skip_connection"}  # fmt: skip
    if found := re.fullmatch(r"lora_te2_text_model_encoder_layers_(\d+)_(.+)", key):
        renamed = found[2].replace("mlp_fc1", "mlp_c_fc").replace("mlp_fc2", "mlp_c_proj")
        renamed = renamed.replace("self_attn", "attn")
        return f"1_model_transformer_resblocks_{found[1]}_{renamed}"
    if key.startswith("lora_te1_text_model"):
        return key.replace("lora_te1_text_model", "0_transformer_text_model")
    if key.startswith("lora_te_text_model_encoder"):
        return key.replace("lora_te_text_model", "transformer_text_model")
    if is_sdxl:
        return key.replace("lora_unet", "diffusion_model")
    for pattern, name in {
        r"lora_unet_conv_in": "input_blocks_0_0",
        r"lora_unet_conv_out": "out_2",
    }.items():
        if re.fullmatch(pattern, key):
            return f"diffusion_model_{name}"
    if found := re.fullmatch(r"lora_unet_down_blocks_(\d+)_downsamplers_0_conv", key):
        return f"diffusion_model_input_blocks_{3 + 3 * int(found[1])}_0_op"
    if found := re.fullmatch(r"lora_unet_up_blocks_(\d+)_upsamplers_0_conv", key):
        level = int(found[1])
        return f"diffusion_model_output_blocks_{2 + 3 * level}_{2 if level else 1}_conv"
    found = re.fullmatch(r"lora_unet_(down|up)_blocks_(\d+)_(attentions|resnets)_(\d+)_(.+)", key)
    if found:
        block = 3 * int(found[2]) + int(found[4]) + (found[1] == "down")
        side = "input" if found[1] == "down" else "output"
        place = int(found[3] == "attentions")
        rest = found[5] if place else inner.get(found[5], found[5])
        return f"diffusion_model_{side}_blocks_{block}_{place}_{rest}"
    found = re.fullmatch(r"lora_unet_mid_block_(attentions|resnets)_(\d+)_(.+)", key)
    assert found, key
    if found[1] == "attentions":
        return f"diffusion_model_middle_block_1_{found[3]}"
    return f"diffusion_model_middle_block_{2 * int(found[2])}_{inner.get(found[3], found[3])}"


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_a1111_finds_every_key(keys: Found, kind: str) -> None:
    modules = {name.replace(".", "_") for name in keys[kind]["modules"]}
    for layer, key in keys[kind]["names"].items():
        name = a1111_name(key, is_sdxl=kind == "sdxl")
        if layer.startswith("diffusion_model."):
            assert name == layer.replace(".", "_") and name in modules
        elif kind == "sd15":
            assert name == layer.removeprefix("clip_l.").replace(".", "_")
        else:
            number = "0_transformer" if layer.startswith("clip_l.") else "1_model_transformer"
            assert name.startswith(number)


def test_kohyas_scripts_find_every_key_of_sd15(keys: Found) -> None:
    """Kohya's scripts name modules after diffusers' UNet and transformers' CLIP."""
    known = {f"lora_unet_{name.replace('.', '_')}" for name in keys["sd15"]["diffusers"]}
    for layer, key in keys["sd15"]["names"].items():
        if layer.startswith("diffusion_model."):
            assert key in known
