"""Load VAE in the real host: errors for files that are not VAEs, damaged or missing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from devkit.server.websocket_client import Client, GraphRejected
from tests.host.load_vae import vae_weights
from tests.host.load_vae.load_graphs import load_graph, offered, problem_of, report_of
from tests.host.load_vae.vae_weights import CONFIG, INDEX_FILE, WEIGHTS_FILE, Weights, write_folder
from tests.host.picture_graphs import SECONDS
from tests.host.report_lines import line_with

# Files that hold no VAE, or a part of one


def test_file_that_is_no_vae_says_what_it_holds(client: Client, models: Path) -> None:
    contents = {
        "lora.safetensors": ("lora_unet.down", "lora_unet.up"),
        "whole.safetensors": ("first_stage_model.decoder.x", "model.diffusion_model.y"),
    }
    for file, names in contents.items():
        save_file({name: torch.zeros(1) for name in names}, models / "vae" / file)
    problem = problem_of(client, "lora.safetensors")
    assert re.search(r"not a VAE .*2 tensors: lora_unet \(2\).*Choose", problem)
    problem = problem_of(client, "whole.safetensors")
    assert re.search(r"whole checkpoint.*choose 'checkpoint: whole\.safetensors'", problem)


def test_checkpoint_without_vae_says_so(client: Client, models: Path) -> None:
    bare = {"model.diffusion_model.y": torch.zeros(1)}
    save_file(bare, models / "checkpoints" / "no-vae.safetensors")
    problem = problem_of(client, "checkpoint: no-vae.safetensors")
    assert "includes no VAE: 'checkpoint: no-vae.safetensors' holds 1 tensors: model (1)" in problem
    assert "Choose a VAE file" in problem


def test_truncated_file_says_so(client: Client, models: Path, vae: Weights) -> None:
    file = models / "vae" / "cut.safetensors"
    save_file(vae, file)
    file.write_bytes(file.read_bytes()[:100_000])
    problem = problem_of(client, "cut.safetensors")
    assert re.search(r"'cut.safetensors' cannot be read .* incomplete.*choose another", problem)


def test_vae_without_some_tensors_is_not_filled_with_noise(
    client: Client, models: Path, vae: Weights
) -> None:
    """ComfyUI only logs missing tensors and computes with uninitialised memory."""
    for key in ("taesd_decoder.12.weight", "taesd_encoder.0.bias"):
        part = {name: value for name, value in vae.items() if name != key}
        save_file(part, models / "vae" / "part.safetensors")
        problem = problem_of(client, "part.safetensors")
        assert re.search(rf"incomplete.*1 of the \d+ tensors.*'{key}'.*choose another", problem)


def test_pickles_are_neither_offered_nor_loaded(client: Client, models: Path) -> None:
    for name in ("old.pt", "old.bin", "old.pth"):
        (models / "vae" / name).write_bytes(b"never unpickled")
        assert name not in offered(client)
        assert "pickle" in problem_of(client, name)
        assert "convert the file to .safetensors" in problem_of(client, name)


@pytest.mark.parametrize(
    "name",
    [
        "missing.safetensors",
        "../../secret.safetensors",
        "/etc/secret.safetensors",
        "checkpoint: ../x.safetensors",
        "",
    ],
)
def test_file_that_is_not_there_lists_what_is(client: Client, name: str) -> None:
    with pytest.raises(GraphRejected, match=r"choose (one of those found|a checkpoint)"):
        client.run(load_graph(name)[0], timeout=SECONDS)


# TAESD pairs


@pytest.mark.parametrize("missing", ["encoder", "decoder"])
def test_half_of_a_pair_is_not_offered_and_the_other_is_named(
    client: Client, models: Path, missing: str
) -> None:
    there = {"encoder": "decoder", "decoder": "encoder"}[missing]
    (models / "vae_approx" / f"taesd_{there}.safetensors").touch()
    assert "taesd" not in offered(client)
    problem = problem_of(client, "taesd")
    assert f"'taesd_{missing}.safetensors' is missing" in problem
    assert f"'taesd_{there}.safetensors' was found" in problem
    # A pickle of the missing half is not taken for it.
    (models / "vae_approx" / f"taesd_{missing}.pth").touch()
    assert "taesd" not in offered(client)
    assert re.search(rf"'taesd_{missing}.pth' is not .*convert", problem_of(client, "taesd"))


def test_damaged_half_of_a_pair_is_named(client: Client, models: Path) -> None:
    for half, weights in vae_weights.taesd_halves(4).items():
        save_file(weights, models / "vae_approx" / f"taesd_{half}.safetensors")
    file = models / "vae_approx" / "taesd_decoder.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    assert re.search(r"'taesd_decoder.safetensors': .* incomplete", problem_of(client, "taesd"))


# Diffusers folders


@pytest.fixture
def sharded(models: Path, vae: Weights) -> Path:
    return write_folder(models / "vae" / "bad", vae, shards=2)


SECOND = "diffusion_pytorch_model-00002-of-00002.safetensors"


def test_missing_shard_is_named(client: Client, sharded: Path) -> None:
    (sharded / SECOND).unlink()
    problem = problem_of(client, "diffusers: bad")
    assert re.search(rf"'{SECOND}' .* is missing in the folder 'bad'", problem)
    assert "choose one of those found" in problem


def test_truncated_shard_is_named(client: Client, sharded: Path) -> None:
    (sharded / SECOND).write_bytes((sharded / SECOND).read_bytes()[:-5])
    problem = problem_of(client, "diffusers: bad")
    assert re.search(rf"'diffusers: bad' cannot be read \('{SECOND}': .*choose another", problem)


def test_shard_of_another_download_is_named(client: Client, sharded: Path) -> None:
    save_file({"decoder.other": torch.zeros(1)}, sharded / SECOND)
    problem = problem_of(client, "diffusers: bad")
    assert re.search(rf"'{SECOND}' lacks '.*'.*Download the folder again", problem)


def test_shards_without_index_say_so(client: Client, sharded: Path) -> None:
    (sharded / INDEX_FILE).unlink()
    assert f"without their index {INDEX_FILE}" in problem_of(client, "diffusers: bad")


@pytest.mark.parametrize("text", ["{not json", "[1, 2]", '{"weight_map": []}', "\udcff"])
def test_index_that_is_none_is_named(client: Client, sharded: Path, text: str) -> None:
    (sharded / INDEX_FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    problem = problem_of(client, "diffusers: bad")
    assert re.search(rf"'{INDEX_FILE}' .*(JSON|no weight_map).*download", problem)


@pytest.mark.parametrize("where", ["../good.safetensors", "{models}/vae/good.safetensors"])
def test_index_that_leads_out_of_its_folder_is_not_followed(
    client: Client, models: Path, sharded: Path, vae: Weights, where: str
) -> None:
    save_file(vae, models / "vae" / "good.safetensors")
    outside = where.format(models=models)
    (sharded / INDEX_FILE).write_text(json.dumps({"weight_map": dict.fromkeys(vae, outside)}))
    problem = problem_of(client, "diffusers: bad")
    assert f"names '{outside}', a file outside its folder, which is not read" in problem


def test_folder_that_lacks_a_part_is_not_offered_and_says_which(
    client: Client, models: Path, vae: Weights
) -> None:
    folder = write_folder(models / "diffusers" / "part", vae)
    (folder / "config.json").unlink()
    assert "diffusers: part" not in offered(client)
    problem = problem_of(client, "diffusers: part")
    assert "'part' has no config.json" in problem and "choose one of those found" in problem

    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / WEIGHTS_FILE).unlink()
    assert "diffusers: part" not in offered(client)
    assert f"'part' has no {WEIGHTS_FILE}" in problem_of(client, "diffusers: part")

    (folder / "diffusion_pytorch_model.bin").write_bytes(b"never unpickled")
    assert "diffusers: part" not in offered(client)
    problem = problem_of(client, "diffusers: part")
    assert re.search(r"'diffusion_pytorch_model.bin', a pickle.*convert", problem)


def test_other_parts_of_a_pipeline_are_no_vaes(client: Client, models: Path, vae: Weights) -> None:
    unet = write_folder(models / "diffusers" / "unet", vae)
    (unet / "config.json").write_text('{"_class_name": "UNet2DConditionModel"}')
    assert "diffusers: unet" not in offered(client)
    problem = problem_of(client, "diffusers: unet")
    assert "not a VAE that ComfyUI can load: config.json says UNet2DConditionModel" in problem


def test_config_that_is_no_json_is_named(client: Client, models: Path, vae: Weights) -> None:
    folder = write_folder(models / "vae" / "odd", vae)
    (folder / "config.json").write_text("{")
    problem = problem_of(client, "diffusers: odd")
    assert re.search(r"'config.json' of the folder 'odd' .* as JSON.*download it again", problem)


@pytest.mark.parametrize(
    "name",
    ["../vae/good", "good/../../vae/good", "{models}/vae/good", "..\\vae\\good", "C:/good", "."],
)
def test_folder_name_cannot_leave_the_model_folders(
    client: Client, models: Path, vae: Weights, name: str
) -> None:
    write_folder(models / "vae" / "good", vae)
    problem = problem_of(client, f"diffusers: {name.format(models=models)}")
    assert "is not a path below models/vae or models/diffusers" in problem
    assert "'diffusers: good'" in problem


def test_folder_that_is_not_there_lists_what_is(client: Client, models: Path, vae: Weights) -> None:
    write_folder(models / "vae" / "good", vae)
    problem = problem_of(client, "diffusers: gone")
    assert "'gone' was not found" in problem and "'diffusers: good'" in problem


def test_a_connected_vae_is_passed_on_and_what_cannot_be_is_named(client: Client) -> None:
    connected = ["1", 2]  # of the checkpoint, which the graph holds anyway
    report = report_of(client, "connected VAE", connected_vae=connected)
    assert line_with(report, "connected VAE", "another node")
    assert line_with(report, "4 latent channels", "8")
    assert "the input connected_vae is not connected" in problem_of(client, "connected VAE")
    problem = problem_of(client, "connected VAE", connected_vae=connected, precision="bf16")
    assert "keeps its precision" in problem and "set precision to auto" in problem
