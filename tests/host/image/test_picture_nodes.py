"""The picture nodes in the real host, each compared with the core nodes that it replaces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from devkit.server.server import Server
from devkit.server.websocket_client import Client, RunFailed
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import NAME
from tests.host.picture_graphs import SECONDS, TEXT, Builder, assert_equal, pixels, saved_latent
from tests.host.report_lines import line_with

# CLIP Text Encode (Clip Skip)


def test_each_clip_skip_encodes_as_core_does(server: Server, client: Client) -> None:
    build = Builder()
    ours = {skip: build.encoded(build.encode(skip)) for skip in (0, 1, 2, -2)}
    core = {layer: build.encoded(build.core_encode(layer)) for layer in (None, -1, -2)}
    outcome = client.run(build.graph, timeout=SECONDS)
    drawn = {skip: saved_latent(server, outcome, node) for skip, node in ours.items()}
    expected = {layer: saved_latent(server, outcome, node) for layer, node in core.items()}

    for skip, layer in ((0, None), (1, -1), (2, -2), (-2, -2)):
        np.testing.assert_array_equal(drawn[skip], expected[layer], err_msg=f"clip_skip {skip}")
    assert not np.array_equal(drawn[1], drawn[2])


@pytest.mark.parametrize("skips", [(2, 0), (0, 2)])
def test_encodes_from_one_loader_are_independent_in_any_order(
    server: Server, client: Client, skips: tuple[int, int]
) -> None:
    build = Builder()
    first = build.encode(skips[0], text=f"{TEXT}, {skips}")
    # Linking the text output forces the second to run after the first.
    second = build.encode(skips[1], text=[first, 2])
    nodes = {skips[0]: build.encoded(first), skips[1]: build.encoded(second)}
    outcome = client.run(build.graph, timeout=SECONDS)
    drawn = {skip: saved_latent(server, outcome, node) for skip, node in nodes.items()}

    build = Builder()
    core = {0: build.core_encode(), 2: build.core_encode(-2)}
    for encode in core.values():
        build.graph[encode]["inputs"]["text"] = f"{TEXT}, {skips}"
    nodes = {skip: build.encoded(encode) for skip, encode in core.items()}
    outcome = client.run(build.graph, timeout=SECONDS)
    alone = {skip: saved_latent(server, outcome, node) for skip, node in nodes.items()}

    np.testing.assert_array_equal(drawn[0], alone[0])
    np.testing.assert_array_equal(drawn[2], alone[2])
    # The reference reads the same loaded CLIP: a skip that stuck to it would be in both.
    assert not np.array_equal(drawn[0], drawn[2])


def test_encode_report_names_layer_and_tokens_of_each_chunk(client: Client) -> None:
    build = Builder()
    short, long = build.encode(2, text="cat"), build.encode(0, text="cat " * 80)
    for node in (short, long):
        build.add("PreviewAny", source=[node, 1])
    outcome = client.run(build.graph, timeout=SECONDS)

    (of_short,), (of_long,) = (outcome.outputs[node]["text"] for node in (short, long))
    assert line_with(of_short, "clip_skip 2") and line_with(of_short, "clip_l", "layer 11 of 12")
    assert line_with(of_short, "l: 1 chunk", "1")
    assert line_with(of_long, "clip_skip 0") and line_with(of_long, "clip_l", "12 layers")
    assert line_with(of_long, "l: 2 chunks", "75 + 5")
    assert line_with(of_long, "chunk 2", "cat cat cat cat cat cat | cat cat cat cat cat")


@pytest.mark.parametrize("clip_skip", [13, -13])
def test_clip_skip_deeper_than_the_encoder_names_its_depth(client: Client, clip_skip: int) -> None:
    build = Builder()
    build.encoded(build.encode(clip_skip))
    with pytest.raises(RunFailed, match="'clip_l' has 12 layers"):
        client.run(build.graph, timeout=SECONDS)


@pytest.fixture(scope="module")
def bare_checkpoint(server: Server) -> str:
    """A checkpoint of the diffusion model alone: no text encoder, no VAE."""
    whole = load_file(this_checkout().checkpoints / NAME)
    path = server.base / "models" / "checkpoints" / "bare.safetensors"
    save_file({k: v for k, v in whole.items() if k.startswith("model.diffusion_model.")}, path)
    return path.name


def test_checkpoint_without_text_encoder_says_so(client: Client, bare_checkpoint: str) -> None:
    build = Builder()
    bare = build.add("CheckpointLoaderSimple", ckpt_name=bare_checkpoint)
    build.encoded(build.encode(0, clip=[bare, 1]))
    with pytest.raises(RunFailed, match="holds no text encoder"):
        client.run(build.graph, timeout=SECONDS)


# Sampler (CFG / Denoise)

SETTINGS: list[dict[str, Any]] = [
    {},
    {"cfg": 1.0},
    {"sampler_name": "dpmpp_2m", "scheduler": "karras", "steps": 3},
    {"sampler_name": "euler_ancestral", "denoise": 0.5, "seed": 2**64 - 2},
    {"sampler_name": "dpm_2", "scheduler": "simple", "denoise": 0.35, "steps": 3},
]


def test_sampler_draws_the_latents_of_core_bit_for_bit(server: Server, client: Client) -> None:
    build = Builder()
    positive = build.core_encode()
    drawn = [build.sample("KSampler", positive, latent_image=build.latent(3)), 0]
    part = [build.add("LatentFromBatch", samples=drawn, batch_index=1, length=2), 0]
    half = [build.add("SolidMask", value=0.5, width=64, height=64), 0]
    masked = [build.add("SetLatentNoiseMask", samples=part, mask=half), 0]
    cases: list[dict[str, Any]] = [{"latent_image": part, **settings} for settings in SETTINGS]
    cases += [{"latent_image": masked, "denoise": denoise} for denoise in (1.0, 0.6)]
    pairs = [
        [build.save_latent(build.sample(name, positive, **case)) for name in SAMPLERS]
        for case in cases
    ]
    outcome = client.run(build.graph, timeout=SECONDS)

    results = []
    for case, (ours, core) in zip(cases, pairs, strict=True):
        results.append(saved_latent(server, outcome, ours))
        expected = saved_latent(server, outcome, core)
        np.testing.assert_array_equal(results[-1], expected, err_msg=str(case))
    assert all(not np.array_equal(results[0], other) for other in results[1:])


SAMPLERS = ("TipoSampler", "KSampler")


def test_denoise_0_returns_the_latent_unchanged_and_keeps_its_mask(
    server: Server, client: Client
) -> None:
    build = Builder()
    positive = build.core_encode()
    start = build.sample("KSampler", positive)
    mask = [build.add("SolidMask", value=0.25, width=64, height=64), 0]
    masked = [build.add("SetLatentNoiseMask", samples=[start, 0], mask=mask), 0]
    untouched = build.sample("TipoSampler", positive, latent_image=masked, denoise=0.0)
    # The latent keeps its mask: a sampler after ours draws as after the mask node.
    behind_ours = build.sample("KSampler", positive, latent_image=[untouched, 0], denoise=0.5)
    behind_mask = build.sample("KSampler", positive, latent_image=masked, denoise=0.5)
    saved = [build.save_latent(node) for node in (start, untouched, behind_ours, behind_mask)]
    outcome = client.run(build.graph, timeout=SECONDS)

    before, after, ours, core = (saved_latent(server, outcome, node) for node in saved)
    np.testing.assert_array_equal(after, before)
    np.testing.assert_array_equal(ours, core)
    assert line_with(outcome.outputs[untouched]["text"][0], "0 steps")


def test_sampler_report_tells_sigmas_and_steps_that_were_run(client: Client) -> None:
    build = Builder()
    positive = build.core_encode()
    nodes = [
        build.sample("TipoSampler", positive, **changes)
        for changes in ({"steps": 4, "cfg": 1.0}, {"denoise": 0.5, "seed": 5})
    ]
    for node in nodes:
        build.save_latent(node)
    outcome = client.run(build.graph, timeout=SECONDS)
    whole, tail = (outcome.outputs[node]["text"][0].splitlines() for node in nodes)

    assert line_with(whole, "euler", "normal")
    assert line_with(whole, "sigmas", "14.6146", "0.0292", "0.0000")
    assert line_with(whole, "steps", "4 of 4", "denoise 1")
    assert line_with(whole, "cfg 1", "negative is not computed")
    # Half of a schedule twice as long: it begins lower, and both steps are run.
    assert "14.6146" not in line_with(tail, "sigmas", "0.0292", "0.0000")
    assert line_with(tail, "steps", "2 of 2", "denoise 0.5", "run all steps")
    assert line_with(tail, "cfg 6.5")


# VAE Decode


def test_decoded_batch_is_that_of_core(server: Server, client: Client) -> None:
    build = Builder()
    latent = [build.sample("KSampler", build.core_encode(), latent_image=build.latent(2)), 0]
    ours = [build.add("TipoVaeDecode", samples=latent, vae=build.vae), 0]
    core = [build.add("VAEDecode", samples=latent, vae=build.vae), 0]
    saved = [build.add("SaveImage", images=i, filename_prefix="vae/test") for i in (ours, core)]
    outcome = client.run(build.graph, timeout=SECONDS)

    for number in range(2):
        decoded = [
            pixels(
                server.base / "output" / "vae" / outcome.outputs[node]["images"][number]["filename"]
            )
            for node in saved
        ]
        assert_equal(decoded)
        assert decoded[0].std() > 1, "a flat picture would equal anything"


def test_vae_of_another_family_names_both_channel_counts(client: Client) -> None:
    build = Builder()
    wide = [build.add("EmptySD3LatentImage", width=64, height=64, batch_size=1), 0]
    images = [build.add("TipoVaeDecode", samples=wide, vae=build.vae), 0]
    build.add("PreviewImage", images=images)
    with pytest.raises(RunFailed, match="decodes 4 latent channels, the latent has 16"):
        client.run(build.graph, timeout=SECONDS)


def test_latent_that_is_not_finite_is_the_samplers_fault(server: Server, client: Client) -> None:
    latent = np.zeros((1, 4, 8, 8), np.float32)
    latent[0, 1, 2, 3] = np.nan
    tensors = {"latent_tensor": latent, "latent_format_version_0": np.zeros(0, np.float32)}
    save_file(tensors, server.base / "input" / "nan.latent")
    build = Builder()
    broken = [build.add("LoadLatent", latent="nan.latent"), 0]
    images = [build.add("TipoVaeDecode", samples=broken, vae=build.vae), 0]
    build.add("PreviewImage", images=images)
    with pytest.raises(RunFailed, match="come from the sampler, not from the VAE"):
        client.run(build.graph, timeout=SECONDS)
