"""DreamBooth Train with toy-sd: the model stays as it is, cancelled runs go on, files are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import NAME
from tests.host.inside import run_inside

Found = dict[str, Any]
KINDS = ["lora", "checkpointed", "full", "text lora", "token", "bf16"]


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The results of hosted_training.py."""
    base: Path = tmp_path_factory.mktemp("training")
    checkpoint = this_checkout().base / "models" / "checkpoints" / NAME
    found: Found = run_inside(host, "train/hosted_training.py", base, checkpoint)
    return found


def unchanged(found: Found) -> bool:
    return bool(found["same"]) and found["left"] == found["left later"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_loaded_model_is_the_same_to_the_bit(results: Found, kind: str) -> None:
    assert unchanged(results["kinds"][kind])


@pytest.mark.parametrize("kind", KINDS)
def test_the_outputs_draw_at_once(results: Found, kind: str) -> None:
    found = results["kinds"][kind]
    assert found["finite"]
    # The emulation of DynamicVRAM on a CPU draws without the patches of large layers.
    assert found["drawn"] > 1e-4 or results["dynamic"]
    assert found["samples"] == [[64, 128, 3]]  # after the last step, two prompts


def test_all_kinds_start_from_the_same_loss(results: Found) -> None:
    first = {kind: results["kinds"][kind]["losses"][0] for kind in KINDS}
    assert first["checkpointed"] == first["lora"] == first["full"] == first["text lora"]
    assert first["token"] == pytest.approx(first["lora"], rel=1e-5)
    assert first["bf16"] == pytest.approx(first["lora"], rel=0.03)
    losses = results["kinds"]
    assert losses["checkpointed"]["losses"] == losses["lora"]["losses"]


def test_files_exist_when_the_training_is_done(results: Found) -> None:
    found = results["kinds"]
    assert found["lora"]["files"] == ["loras/kind_00001_.safetensors"] and found["lora"]["exist"]
    assert found["full"]["files"] == []  # core's Save Checkpoint keeps it
    assert found["token"]["files"] == ["loras/kind_token_00001_.safetensors"]


def test_a_cancelled_training_goes_on_to_the_bit(results: Found) -> None:
    found = results["resumed"]
    assert found["cancels"][::2] == ["InterruptProcessingException"] * 2
    assert all(unchanged(one) for one in found["cancels"][1::2])
    assert found["files"] == [".safetensors"]
    assert found["went on"] and found["ran"] == 1


def test_the_same_seed_gives_the_same_bits(results: Found) -> None:
    assert results["resumed"]["repeated"] and not results["resumed"]["other seed"]


def test_memory_that_ran_out_is_advice_with_numbers(results: Found) -> None:
    found = results["errors"]
    assert unchanged(found)
    assert "cpu has too little memory for this training: it needs about " in found["message"]
    assert "turn gradient_checkpointing on (saves about " in found["message"]


def test_files_give_the_same_picture_as_the_outputs(results: Found) -> None:
    found = results["files"]
    assert found["plain"] > 1e-3 or results["dynamic"]
    for name in ("core", "kohya"):
        assert found["through"][name]["difference"] <= 1e-5, name
    assert found["through"]["core"]["keys"].startswith("diffusion_model.")
    assert found["through"]["kohya"]["keys"].startswith("lora_te_text_model_encoder_layers_0_")
    assert {"ss_network_dim", "ss_network_alpha"} <= set(found["through"]["kohya"]["metadata"])
    assert found["through"]["LoraModelLoader"]["patches"]


def test_no_file_is_replaced(results: Found) -> None:
    assert results["files"]["names"] == ["mine_00001_.safetensors", "mine_00002_.safetensors"]
    assert results["files"]["again"]


def test_a_wrong_name_is_refused_before_the_training(results: Found) -> None:
    outside, long = results["names"]
    assert "leads out of the output folder" in outside
    assert "255" in long or "long" in long


def test_nothing_of_a_training_stays_in_memory(results: Found) -> None:
    assert results["left adapters"] == 0


def test_the_node(results: Found) -> None:
    found = results["node"]
    assert found["outputs"] == [
        "trained_model", "trained_clip", "lora", "report", "loss_chart", "samples",
    ]  # fmt: skip
    assert found["kinds"][1:4] == ["CLIP", "dict", "str"]
    assert found["chart"] == [1, 640, 960, 3] and found["samples"] == [2, 64, 128, 3]
    assert found["without samples"] and unchanged(found)
    assert "DreamBooth: 2 pictures of the subject\n" in found["report"]
    assert "saved: loras" in found["report"]


def test_a_state_belongs_to_one_model_text_encoder_and_vae(results: Found) -> None:
    names = results["states"]
    assert all(first == second for first, second in names.values())
    assert len({first for first, _ in names.values()}) == len(names)


def test_a_patch_of_one_block_counts_in_checkpoints_too(results: Found) -> None:
    plain, checkpointed = results["one block"]
    assert plain == checkpointed


def test_links_that_do_not_belong_together_are_named(results: Found) -> None:
    found = results["wrong links"]
    assert "has 16 channels, and the model takes 4: connect the VAE" in found["channels"]
    assert "the VAE gives NaN or infinite values for sks critter 0" in found["nan"]
    assert "connect the CLIP that belongs to the model" in found["clip"]
    assert "only the token 'sks' is trained, and captions lack it: critter 0" in found["caption"]
    assert "a file is a file, not a folder" in found["file"]
    assert "ends with a folder: add a name, such as loras/dreambooth" in found["folder"]
    assert "has no name" in found["dot"]
    assert not found["trained"]
