"""Settings in saved pictures are those that ran, as A1111 reads them from the file."""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from devkit.server.server import Server
from devkit.server.websocket_client import Client, Outcome
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import NAME
from tests.host.picture_graphs import SECONDS, TEXT
from tests.host.sweep.test_sweep_nodes import SweepBuilder
from tests.unit.pictures.files.foreign_readers import (
    read_a1111,
    read_a1111_settings,
    text_by_pillow,
)

MODEL = NAME.removesuffix(".safetensors")


def saved_files(server: Server, outcome: Outcome, node: str) -> list[Path]:
    return [
        Path(server.base, "output", entry["subfolder"], entry["filename"])
        for entry in outcome.outputs[node]["images"]
    ]


def save(build: SweepBuilder, images: list[Any], **inputs: Any) -> str:
    common = {"filename_prefix": "settings/s", "format": "webp", "quality": 90}
    return build.add("TipoSaveImage", images=images, **(common | inputs))


@pytest.mark.parametrize("sampler", ["TipoSampler", "KSampler"])
def test_each_picture_of_a_sweep_carries_its_settings(
    server: Server, client: Client, sampler: str
) -> None:
    build = SweepBuilder()
    sweep = build.sweep(columns="cfg", column_values="4, 6", rows="seed", row_values="1, 2")
    node = save(build, build.runs(sampler, sweep, build.core_encode()))
    outcome = client.run(build.graph, timeout=SECONDS)
    found = [read_a1111(path.read_bytes()) for path in saved_files(server, outcome, node)]
    expected = [("2", "Euler", cfg, seed, MODEL) for seed in "12" for cfg in "46"]
    assert [one.settings for one in found] == expected
    assert {(one.prompt, one.negative) for one in found} == {(TEXT, "blurry")}


def test_grid_claims_no_size_and_no_swept_value(server: Server, client: Client) -> None:
    build = SweepBuilder()
    sweep = build.sweep(columns="cfg", column_values="4, 6")
    images = build.runs("KSampler", sweep, build.core_encode())
    node = save(build, [build.grid(images, sweep), 0])
    outcome = client.run(build.graph, timeout=SECONDS)
    (path,) = saved_files(server, outcome, node)
    text = text_by_pillow(path.read_bytes()) or ""
    assert read_a1111(path.read_bytes()).settings == ("2", "Euler", None, "3", MODEL)
    assert "Size: 64x64, " in text, "the size of a cell, not that of the grid"
    assert 'Script: X/Y/Z plot, X Type: CFG Scale, X Values: "4, 6", ' in text


def test_linked_settings_and_prompts_come_before_the_graph(server: Server, client: Client) -> None:
    build = SweepBuilder()
    # The graph does not tell the number of steps.
    steps = build.add("StringLength", string="abc")
    latent = build.sample("TipoSampler", build.core_encode(), steps=[steps, 0], denoise=0.0)
    images = [build.add("VAEDecode", samples=[latent, 0], vae=build.vae), 0]
    linked = {"settings": [latent, 2], "text": "run: this", "negative": "and: not, this"}
    node, empty = save(build, images, **linked), save(build, images, text="cat", negative="")
    outcome = client.run(build.graph, timeout=SECONDS)
    (path,) = saved_files(server, outcome, node)
    found = read_a1111(path.read_bytes())
    assert (found.prompt, found.negative) == ("run: this", "and: not, this")
    assert found.settings == ("3", "Euler", "6.5", "3", MODEL)
    assert "Denoising strength: 0, " in (text_by_pillow(path.read_bytes()) or "")
    (path,) = saved_files(server, outcome, empty)
    assert text_by_pillow(path.read_bytes()) == "cat", "no settings without steps"


def test_hashes_of_the_files_are_saved(server: Server, client: Client) -> None:
    models = server.base / "models"
    lora, embedding = models / "loras" / "h" / "style.safetensors", models / "embeddings" / "ti.pt"
    lora.parent.mkdir(parents=True, exist_ok=True)
    save_file({"unknown.weight": torch.zeros(3)}, lora)
    embedding.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"emb_params": torch.zeros(1, 768)}, embedding)
    build = SweepBuilder()
    loaded = build.add(
        "LoraLoaderModelOnly",
        model=build.model,
        lora_name=str(Path("h", "style.safetensors")),
        strength_model=1.0,
    )
    positive = build.add("CLIPTextEncode", clip=build.clip, text="cat, embedding:ti, dog")
    latent = build.sample("KSampler", positive, model=[loaded, 0])
    images = [build.add("VAEDecode", samples=[latent, 0], vae=build.vae), 0]
    node, without = save(build, images), save(build, images, hashes=False)
    for attempt in range(60):
        build.graph[node]["inputs"]["filename_prefix"] = f"hashes/h{attempt}"
        outcome = client.run(build.graph, timeout=SECONDS)
        (path,) = saved_files(server, outcome, node)
        if "no hash yet" not in outcome.outputs[node]["text"][0]:
            break
        time.sleep(0.5)
    found = read_a1111_settings(text_by_pillow(path.read_bytes()) or "")
    checkpoint = this_checkout().base / "models" / "checkpoints" / NAME
    assert found["Model hash"] == sha256(checkpoint.read_bytes()).hexdigest()[:10]
    content = lora.read_bytes()
    tensors = content[8 + int.from_bytes(content[:8], "little") :]
    assert found["Lora hashes"] == f"style: {sha256(tensors).hexdigest()[:12]}"
    assert found["TI hashes"] == f"ti: {sha256(embedding.read_bytes()).hexdigest()[:12]}"
    assert "VAE hash" not in found, "the VAE is the checkpoint's own"
    if without in outcome.outputs:
        (path,) = saved_files(server, outcome, without)
        assert "hash" not in (text_by_pillow(path.read_bytes()) or "")
    entries = list((server.base / "user" / "__tipo_suite" / "file_hashes").iterdir())
    assert len(entries) == 3
