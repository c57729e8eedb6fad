"""Load VAE in the real host: every form compared with core's loaders."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional

from devkit.server.server import Server
from devkit.server.websocket_client import Client, Outcome
from devkit.setup.toy_sd import NAME
from tests.host.load_vae import vae_weights
from tests.host.load_vae.load_graphs import offered, problem_of, report_of
from tests.host.load_vae.vae_weights import Weights, write_folder
from tests.host.picture_graphs import SECONDS, Builder, assert_equal, saved_file, saved_latent
from tests.host.report_lines import line_with

LATENT = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))


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
        """Decode with `vae`, encode with `vae` and with the checkpoint's VAE, save both latents.

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


# The same VAE as core's


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
    for report, files in ((one, "1 file"), (two, "2 files")):
        assert line_with(report, "AutoencoderKL", "4 latent channels", "8")
        assert line_with(report, files, "167.3 MB", "fp16")


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
    # The pairs have the same weights here and differ only in scale and shift.
    one, other = (saved_latent(server, outcome, trips[name][0][1]) for name in names)
    assert not np.array_equal(one, other)
    (report,) = outcome.outputs[loaders[0]]["text"]
    assert line_with(report, "TAESD", f"{channels} latent channels", "8")
    assert line_with(report, "2 files", "4.9 MB", "fp16")


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

    assert_equal(picture(server, outcome, node) for node in pictures)
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
    assert reports["auto"] == reports[""]
    assert line_with(reports["auto"], "precision fp32", "auto")
    assert line_with(reports["bf16"], "precision bf16")
    assert line_with(reports["fp16"], "precision fp16")
    assert line_with(reports["fp16"], "bf16 or fp32", "black or broken pictures", "in fp16")
    assert line_with(reports["fp16"], "CPU", "fp16", "choose bf16 or fp32")
    assert all(line_with(report, "device cpu") for report in reports.values())


def test_unknown_precision_names_the_known(client: Client) -> None:
    problem = problem_of(client, f"checkpoint: {NAME}", precision="fp8")
    assert "fp8" in problem
    assert all(name in problem for name in ("auto", "fp32", "bf16", "fp16"))


def test_report_tells_source_and_size(client: Client, models: Path, vae: Weights) -> None:
    folder = write_folder(models / "vae" / "told", vae, shards=2)
    size = sum(tensor.nbytes for tensor in vae.values()) / 1e6
    report = report_of(client, "diffusers: told")
    assert line_with(report, "diffusers: told", str(folder))
    assert line_with(report, "TAESD", "4 latent channels", "8")
    assert line_with(report, "2 files", f"{size:.1f} MB", "fp16")


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
