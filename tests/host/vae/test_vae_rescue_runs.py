"""The fp32 rescue again and again on a server: it lives, and its memory stays flat."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import save_file

from devkit.server.server import Server
from devkit.server.websocket_client import Client
from tests.host.load_vae.vae_weights import Weights
from tests.host.picture_graphs import SECONDS, Builder
from tests.host.report_lines import line_with

RUNS, WARM_UP = 50, 10
# A copy of this small VAE in fp32 takes 10 MB.
MOST_GROWTH = 60e6


@pytest.fixture
def overflowing(models: Path, vae: Weights) -> str:
    """A VAE whose first layers make numbers that fp16 cannot hold; later ones take them back."""
    weights = {name: weight.float() for name, weight in vae.items()}
    for layer, power in ((1, 15), (7, 4), (12, -9), (17, -10)):
        weights[f"taesd_decoder.{layer}.weight"] *= 2.0**power
    save_file(weights, models / "vae" / "overflowing.safetensors")
    return "overflowing.safetensors"


def test_fifty_rescues_leave_the_server_as_it_was(
    server: Server, client: Client, overflowing: str
) -> None:
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1)) * 3
    tensors = {"latent_tensor": latent, "latent_format_version_0": torch.zeros(0)}
    save_file(tensors, server.base / "input" / "rescue.latent")
    process = psutil.Process(server.pid)
    sizes = []
    for run in range(RUNS):
        build = Builder()
        build.graph.clear()
        loaded = [build.add("TipoLoadVae", vae_name=overflowing, precision="fp16"), 0]
        samples = [build.add("LoadLatent", latent="rescue.latent"), 0]
        # Of its own in each run, so that nothing comes from the cache.
        samples = [build.add("LatentMultiply", samples=samples, multiplier=1 + run / 100), 0]
        decoded = build.add("TipoVaeDecode", samples=samples, vae=loaded)
        build.add("PreviewImage", images=[decoded, 0])
        report = client.run(build.graph, timeout=SECONDS).outputs[decoded]["text"][0]
        assert line_with(report, "fp16", "NaN or infinite", "again in fp32")
        sizes.append(process.memory_info().rss)
    growth = max(sizes[WARM_UP:]) - max(sizes[:WARM_UP])
    assert growth < MOST_GROWTH, f"{growth / 1e6:.0f} MB more after {RUNS} runs"
    print(f"server memory: {sizes[WARM_UP] / 1e6:.0f} MB, {sizes[-1] / 1e6:.0f} MB after {RUNS}")
