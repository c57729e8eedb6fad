"""Load VAE in the real host: every form beside core's loaders, and what it says of bad files."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional

from devkit.client import Client, Graph, GraphRejected, Outcome, RunFailed
from devkit.server import Server
from devkit.toy_sd import NAME
from tests.host import vae_weights
from tests.host.linear_vae import linear_vae
from tests.host.picture_graphs import SECONDS, Builder, saved_file, saved_latent
from tests.host.vae_weights import CONFIG, INDEX_FILE, WEIGHTS_FILE, Weights, write_folder

LATENT = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def vae() -> Weights:
    return linear_vae()


@pytest.fixture
def models(server: Server) -> Iterator[Path]:
    """The server's models folder; what a test puts into it goes away behind the test."""
    models = server.base / "models"
    folders = [models / name for name in ("vae", "diffusers", "vae_approx", "checkpoints")]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    before = {path for folder in folders for path in folder.iterdir()}
    yield models
    for path in {path for folder in folders for path in folder.iterdir()} - before:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def load_graph(name: Any, **inputs: Any) -> tuple[Graph, str]:
    """A graph that loads a VAE and shows its report, and the loader's id."""
    build = Builder()
    node = build.add("TipoLoadVae", vae_name=name, **inputs)
    build.add("PreviewAny", source=[node, 1])
    return build.graph, node


def report_of(client: Client, name: str, **inputs: Any) -> list[str]:
    graph, node = load_graph(name, **inputs)
    report: str = client.run(graph, timeout=SECONDS).outputs[node]["text"][0]
    return report.splitlines()


def problem_of(client: Client, name: str, **inputs: Any) -> str:
    """What the node or the check in front of it says about a choice that cannot be loaded."""
    with pytest.raises((RunFailed, GraphRejected)) as caught:
        client.run(load_graph(name, **inputs)[0], timeout=SECONDS)
    return str(caught.value)


def offered(client: Client) -> list[str]:
    spec = client.object_info()["TipoLoadVae"]["input"]["required"]["vae_name"]
    choices: list[str] = spec[1]["options"]
    return choices


class Comparison(Builder):
    """Decodes and encodes with VAEs of several loaders by core's nodes."""

    def __init__(self, server: Server, latent: torch.Tensor = LATENT) -> None:
        super().__init__()
        self.server = server
        tensors = {"latent_tensor": latent.contiguous(), "latent_format_version_0": torch.zeros(0)}
        save_file(tensors, server.base / "input" / "load-vae.latent")
        self.samples = [self.add("LoadLatent", latent="load-vae.latent"), 0]

    def ours(self, name: str, **inputs: Any) -> list[Any]:
        return [self.add("TipoLoadVae", vae_name=name, **inputs), 0]

    def core(self, name: str) -> list[Any]:
        return [self.add("VAELoader", vae_name=name), 0]

    def decode(self, vae: list[Any]) -> str:
        images = [self.add("VAEDecode", samples=self.samples, vae=vae), 0]
        return self.add("SaveImage", images=images, filename_prefix="load-vae/test")

    def round_trip(self, vae: list[Any]) -> tuple[str, str]:
        """Saves what `vae` encodes of what it decodes, and what the checkpoint's encodes of it.

        Latents are saved as floats: a picture's smallest difference is one of the latents too.
        """
        images = [self.add("VAEDecode", samples=self.samples, vae=vae), 0]
        nodes = [self.add("VAEEncode", pixels=images, vae=by) for by in (vae, self.vae)]
        return self.save_latent(nodes[0]), self.save_latent(nodes[1])

    def assert_same(self, outcome: Outcome, *trips: tuple[str, str]) -> None:
        first, *others = [[saved_latent(self.server, outcome, n) for n in t] for t in trips]
        assert all(latent.std() > 0.01 for latent in first), "flat latents would equal anything"
        for other in others:
            for one, same in zip(first, other, strict=True):
                np.testing.assert_array_equal(one, same)


def picture(server: Server, outcome: Outcome, node: str) -> np.ndarray:
    with Image.open(saved_file(server, outcome, node)) as image:
        return np.asarray(image.convert("RGB"))


# What is loaded is what core loads


def test_vae_of_a_checkpoint_is_that_of_the_checkpoint_loader(
    server: Server, client: Client
) -> None:
    build = Comparison(server)
    trips = [build.round_trip(vae) for vae in (build.ours(f"checkpoint: {NAME}"), build.vae)]
    build.assert_same(client.run(build.graph, timeout=SECONDS), *trips)


def test_vae_of_every_small_form_is_the_same(
    server: Server, client: Client, models: Path, vae: Weights
) -> None:
    save_file(vae, models / "vae" / "one.safetensors")
    write_folder(models / "vae" / "folder", vae)
    write_folder(models / "diffusers" / "sub" / "pipeline" / "vae", vae, shards=3)
    (models / "diffusers" / "sub" / "pipeline" / "model_index.json").write_text("{}")
    names = ["one.safetensors", "diffusers: folder", "diffusers: sub/pipeline"]
    assert set(names) <= set(offered(client))
    build = Comparison(server)
    trips = [build.round_trip(build.ours(name)) for name in names]
    trips.append(build.round_trip(build.core("one.safetensors")))
    build.assert_same(client.run(build.graph, timeout=SECONDS), *trips)


def test_diffusers_names_make_the_vae_that_core_makes_of_its_own(
    server: Server, client: Client, models: Path
) -> None:
    core, diffusers = vae_weights.autoencoder_kl()
    save_file(core, models / "vae" / "kl.safetensors")
    write_folder(models / "diffusers" / "kl", diffusers)
    write_folder(models / "diffusers" / "kl-sharded", diffusers, shards=2)
    build = Comparison(server, LATENT[..., :2, :2])
    vaes = [build.core("kl.safetensors"), build.ours("diffusers: kl")]
    vaes.append(build.ours("diffusers: kl-sharded"))
    trips = [build.round_trip(vae) for vae in vaes]
    outcome = client.run(build.graph, timeout=SECONDS)

    build.assert_same(outcome, *trips)
    one, two = (outcome.outputs[vae[0]]["text"][0].splitlines() for vae in vaes[1:])
    assert one[1] == two[1] == "AutoencoderKL, 4 latent channels, downscale 8"
    assert one[2] == "1 file, 167.3 MB of tensors in fp16"
    assert two[2] == "2 files, 167.3 MB of tensors in fp16"


@pytest.mark.parametrize(
    ("names", "channels"), [(("taesd", "taesdxl"), 4), (("taesd3", "taef1"), 16)]
)
def test_taesd_pair_is_the_one_of_cores_loader(
    server: Server, client: Client, models: Path, names: tuple[str, str], channels: int
) -> None:
    for half, weights in vae_weights.taesd_halves(channels).items():
        for name in names:
            save_file(weights, models / "vae_approx" / f"{name}_{half}.safetensors")
    assert set(names) <= set(offered(client))
    build = Comparison(server, LATENT.repeat(1, channels // 4, 1, 1))
    trips = {n: [build.round_trip(build.ours(n)), build.round_trip(build.core(n))] for n in names}
    loaders = [node for node, it in build.graph.items() if it["class_type"] == "TipoLoadVae"]
    outcome = client.run(build.graph, timeout=SECONDS)

    for pair in trips.values():
        build.assert_same(outcome, *pair)
    # The pairs have the same weights here: only scale and shift tell them apart.
    one, other = (saved_latent(server, outcome, trips[name][0][1]) for name in names)
    assert not np.array_equal(one, other)
    report = outcome.outputs[loaders[0]]["text"][0].splitlines()
    assert report[1:3] == [
        f"TAESD, {channels} latent channels, downscale 8",
        "2 files, 4.9 MB of tensors in fp16",
    ]


def test_file_for_decoding_alone_says_so(
    server: Server, client: Client, models: Path, vae: Weights
) -> None:
    decoder = {key: value for key, value in vae.items() if "encoder" not in key}
    save_file(decoder, models / "vae" / "decoder.safetensors")
    save_file(vae, models / "vae" / "whole.safetensors")
    build = Comparison(server)
    loader = build.ours("decoder.safetensors")
    whole = [build.add("VAELoader", vae_name="whole.safetensors"), 0]
    pictures = [build.decode(vae) for vae in (loader, whole)]
    outcome = client.run(build.graph, timeout=SECONDS)

    np.testing.assert_array_equal(*(picture(server, outcome, node) for node in pictures))
    assert "The file has no encoder" in outcome.outputs[loader[0]]["text"][0]


# Precision and report


def taesd_decoded(weights: Weights, latent: torch.Tensor, dtype: torch.dtype) -> np.ndarray:
    """The picture that a TAESD decoder makes, computed in `dtype` by its published layers."""

    def conv(name: str, x: torch.Tensor) -> torch.Tensor:
        weight = weights[f"taesd_decoder.{name}.weight"].to(dtype)
        bias = weights.get(f"taesd_decoder.{name}.bias")
        return functional.conv2d(x, weight, None if bias is None else bias.to(dtype), padding=1)

    x = latent.to(dtype) * weights["vae_scale"].to(dtype)
    x = functional.relu(conv("1", torch.tanh(x / 3) * 3))
    for position in range(3, 19):
        if position in (6, 11, 16):
            x = functional.interpolate(x, scale_factor=2)
        elif position in (7, 12, 17):
            x = conv(str(position), x)
        else:
            inner = x
            for layer in (0, 2, 4):
                inner = conv(f"{position}.conv.{layer}", inner)
                inner = functional.relu(inner) if layer < 4 else inner
            x = functional.relu(inner + x)
    x = conv("19", x).sub(0.5).mul(2).float()
    pixels = ((x + 1) / 2).clamp(0, 1) * 255
    return pixels[0].permute(1, 2, 0).numpy().astype(np.uint8)


def test_each_precision_computes_in_it(
    server: Server, client: Client, models: Path, vae: Weights
) -> None:
    # Weights that the halved precisions round, so that the pictures tell the precision.
    rough = {key: value.float() * 1.003 for key, value in vae.items()}
    save_file(rough, models / "vae" / "rough.safetensors")
    # Few pixels: convolutions of halved precision are slow on many CPUs.
    latent = LATENT[..., :2, :2]
    build = Comparison(server, latent)
    loaders = {
        name: build.ours("rough.safetensors", **({"precision": name} if name else {}))
        for name in ("", "auto", "fp32", "bf16", "fp16")
    }
    nodes = {name: build.decode(vae) for name, vae in loaders.items()}
    nodes["core"] = build.decode(build.core("rough.safetensors"))
    outcome = client.run(build.graph, timeout=SECONDS)
    drawn = {name: picture(server, outcome, node).astype(int) for name, node in nodes.items()}

    for name in ("", "auto", "fp32"):
        np.testing.assert_array_equal(drawn[name], drawn["core"], err_msg=name)
    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    expected = {name: taesd_decoded(rough, latent, dtype) for name, dtype in dtypes.items()}
    for name in dtypes:
        apart = {other: np.abs(drawn[name] - expected[other]).mean() for other in dtypes}
        assert apart[name] < 0.01, apart
        assert min(apart, key=lambda other: apart[other]) == name, apart
    reports = {n: outcome.outputs[v[0]]["text"][0].splitlines()[3:] for n, v in loaders.items()}
    usual = "ComfyUI itself runs this VAE in bf16 or fp32: black or broken pictures are possible"
    devices = "device cpu, kept on cpu while idle"
    assert reports["auto"] == reports[""] == ["precision fp32 (auto)", devices]
    assert reports["bf16"] == ["precision bf16", devices]
    assert reports["fp16"][:3] == ["precision fp16", devices, f"{usual} in fp16."]
    assert reports["fp16"][3].startswith("Most CPUs have no fp16 arithmetic")


def test_unknown_precision_names_the_known(client: Client) -> None:
    problem = problem_of(client, f"checkpoint: {NAME}", precision="fp8")
    assert "fp8" in problem
    assert all(name in problem for name in ("auto", "fp32", "bf16", "fp16"))


def test_report_tells_source_and_size(client: Client, models: Path, vae: Weights) -> None:
    folder = write_folder(models / "vae" / "told", vae, shards=2)
    size = sum(tensor.nbytes for tensor in vae.values()) / 1e6
    assert report_of(client, "diffusers: told")[:3] == [
        f"diffusers: told: {folder}",
        "TAESD, 4 latent channels, downscale 8",
        f"2 files, {size:.1f} MB of tensors in fp16",
    ]


def test_replaced_file_is_loaded_anew_and_an_unchanged_one_is_not(
    server: Server, client: Client, models: Path, vae: Weights
) -> None:
    file = models / "vae" / "replaced.safetensors"
    save_file(vae, file)
    folder = write_folder(models / "vae" / "replaced", vae, shards=2)
    shard = folder / "diffusion_pytorch_model-00001-of-00002.safetensors"
    build = Comparison(server)
    loaders = [build.ours(name) for name in ("replaced.safetensors", "diffusers: replaced")]
    nodes = [build.decode(vae) for vae in loaders]
    before = client.run(build.graph, timeout=SECONDS)
    again = client.run(build.graph, timeout=SECONDS)
    other = vae_weights.without_red(vae)
    save_file(other, file)
    shutil.rmtree(folder)
    write_folder(folder, other, shards=2)
    for path in (file, shard):  # as a copy that keeps times would leave it, but for a second
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 1))
    after = client.run(build.graph, timeout=SECONDS)

    for (loader, _), node in zip(loaders, nodes, strict=True):
        assert loader in before.seconds and loader in after.seconds
        assert loader not in again.seconds
        old, new = picture(server, before, node), picture(server, after, node)
        assert old[..., 0].std() > 1 and new[..., 0].std() == 0
        np.testing.assert_array_equal(old[..., 1:], new[..., 1:])


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
    """ComfyUI only logs what is missing and computes with memory that nobody wrote."""
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
    assert f"'taesd_{there}.safetensors' is there" in problem
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
    assert re.search(rf"'{SECOND}' lacks '.*', which the index says is in it", problem)


def test_shards_without_index_say_so(client: Client, sharded: Path) -> None:
    (sharded / INDEX_FILE).unlink()
    assert f"without their index {INDEX_FILE}" in problem_of(client, "diffusers: bad")


@pytest.mark.parametrize("text", ["{not json", "[1, 2]", '{"weight_map": []}', "\udcff"])
def test_index_that_is_none_is_named(client: Client, sharded: Path, text: str) -> None:
    (sharded / INDEX_FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    problem = problem_of(client, "diffusers: bad")
    assert re.search(rf"'{INDEX_FILE}' .*(no JSON|no weight_map).*download", problem)


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
    assert "no VAE that ComfyUI reads: config.json says UNet2DConditionModel" in problem


def test_config_that_is_no_json_is_named(client: Client, models: Path, vae: Weights) -> None:
    folder = write_folder(models / "vae" / "odd", vae)
    (folder / "config.json").write_text("{")
    problem = problem_of(client, "diffusers: odd")
    assert re.search(r"'config.json' of the folder 'odd' is no JSON.*download it again", problem)


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
