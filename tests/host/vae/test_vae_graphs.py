"""VAE Decode and VAE Encode in graphs on a server: inpainting, outpainting, core's nodes around."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from devkit.server.server import Server
from devkit.server.websocket_client import Client, GraphRejected, Outcome, RunFailed
from tests.host.picture_graphs import SECONDS, Builder, assert_equal, saved_file, saved_latent

SIDE = 96


def photo() -> np.ndarray:
    """A picture that is far from grey: warm, with a gradient and fine texture."""
    y, x = np.indices((SIDE, SIDE))
    texture = 12 * np.sin(x / 2) * np.cos(y / 3)
    red, green, blue = 215 + texture, 40 + y / 3 + texture, 30 + x / 4
    return np.stack([red, green, blue], -1).clip(0, 255).astype(np.uint8)


def soft_box() -> np.ndarray:
    """A mask of 0, a soft ramp, and 255."""
    y, x = np.indices((SIDE, SIDE))
    edge = np.maximum(np.abs(x - 47.5), np.abs(y - 47.5))
    return ((36 - edge) / 12 * 255).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def uploads(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Names of the picture and the mask in the server's input folder."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(photo()).save(folder / "vae-photo.png")
    Image.fromarray(soft_box()).save(folder / "vae-mask.png")
    with Client(server.url) as client:
        return {name: client.upload_image(folder / f"vae-{name}.png") for name in ("photo", "mask")}


class Inpainting(Builder):
    """A graph with a picture, a mask, and the checkpoint's VAE."""

    def __init__(self, uploads: dict[str, str]) -> None:
        super().__init__()
        self.picture = [self.add("LoadImage", image=uploads["photo"]), 0]
        self.mask = [self.add("LoadImageMask", image=uploads["mask"], channel="red"), 0]
        self.positive = self.core_encode()

    def vae_encoded(self, **inputs: Any) -> list[Any]:
        inputs = {"pixels": self.picture, "vae": self.vae, "mask": self.mask} | inputs
        return [self.add("TipoVaeEncode", **{k: v for k, v in inputs.items() if v}), 0]

    def redrawn(self, latent: list[Any], denoise: float = 0.2) -> list[Any]:
        changes = {"latent_image": latent, "denoise": denoise, "cfg": 1.0, "seed": 11}
        return [self.sample("TipoSampler", self.positive, **changes), 0]

    def saved(self, latent: list[Any], **inputs: Any) -> str:
        images = [self.add("TipoVaeDecode", samples=latent, vae=self.vae, **inputs), 0]
        return self.add("SaveImage", images=images, filename_prefix="vae/inpaint")


def pixels(server: Server, outcome: Outcome, node: str) -> np.ndarray:
    with Image.open(saved_file(server, outcome, node)) as image:
        return np.asarray(image.convert("RGB"))


def test_graph_of_defaults_is_cores(
    server: Server, client: Client, uploads: dict[str, str]
) -> None:
    build = Inpainting(uploads)
    # An alpha channel, as some nodes make it; core's node leaves it out too.
    rgba = [build.add("JoinImageWithAlpha", image=build.picture, alpha=build.mask), 0]
    core = build.add("VAEEncode", pixels=rgba, vae=build.vae)
    ours = build.vae_encoded(pixels=rgba, mask=None)
    latents = [build.save_latent(node) for node in (core, ours[0])]
    images = [build.add("VAEDecode", samples=[core, 0], vae=build.vae), 0]
    pictures = [build.add("SaveImage", images=images, filename_prefix="vae/inpaint")]
    pictures.append(build.saved(ours))
    outcome = client.run(build.graph, timeout=SECONDS)
    assert_equal(saved_latent(server, outcome, node) for node in latents)
    assert_equal(pixels(server, outcome, node) for node in pictures)
    assert "alpha is left out" in outcome.outputs[ours[0]]["text"][0]


def test_inpainting_below_denoise_1_keeps_the_rest_and_does_not_grey(
    server: Server, client: Client, uploads: dict[str, str]
) -> None:
    build = Inpainting(uploads)
    latent = build.redrawn(build.vae_encoded())
    inpainted, plain = build.saved(latent, original=build.picture), build.saved(latent)
    whole = build.saved(build.redrawn(build.vae_encoded(mask=None)))
    inputs = {"pixels": build.picture, "vae": build.vae, "mask": build.mask, "grow_mask_by": 0}
    grey = build.saved(build.redrawn([build.add("VAEEncodeForInpaint", **inputs), 0]))
    outcome = client.run(build.graph, timeout=SECONDS)
    found = {
        name: pixels(server, outcome, node).astype(int)
        for name, node in {"ours": inpainted, "plain": plain, "whole": whole, "grey": grey}.items()
    }
    mask = soft_box()
    np.testing.assert_array_equal(found["ours"][mask == 0], photo()[mask == 0])
    share = mask[..., None] / 255
    expected = photo() * (1 - share) + found["plain"] * share
    assert np.abs(found["ours"] - expected).max() < 2, "8-bit rounding of both"
    assert np.abs(found["ours"] - photo())[mask == 255].mean() > 5, "nothing was redrawn"

    def distance_from_grey(name: str) -> float:
        return float(np.abs(found[name][mask == 255].mean(0) - 127.5).mean())

    assert distance_from_grey("ours") > 0.8 * distance_from_grey("whole")
    assert distance_from_grey("grey") < 0.7 * distance_from_grey("whole"), "core's greys"


def test_outpainting_continues_the_picture_instead_of_grey(
    server: Server, client: Client, uploads: dict[str, str]
) -> None:
    build = Inpainting(uploads)
    sides = {"left": 0, "top": 0, "right": 64, "bottom": 0, "feathering": 16}
    pad = build.add("ImagePadForOutpaint", image=build.picture, **sides)
    inputs: dict[str, Any] = {"pixels": [pad, 0], "mask": [pad, 1]}
    encoded = {fill: build.vae_encoded(**inputs, fill=fill) for fill in ("surroundings", "keep")}
    begun = {fill: build.saved(latent) for fill, latent in encoded.items()}
    drawn = {
        fill: build.saved(build.redrawn(latent, denoise=0.05), original=[pad, 0])
        for fill, latent in encoded.items()
    }
    outcome = client.run(build.graph, timeout=SECONDS)
    kept = pixels(server, outcome, drawn["surroundings"])[:, : SIDE - 16]
    np.testing.assert_array_equal(kept, photo()[:, : SIDE - 16])
    border = photo()[:, -16:].mean((0, 1))

    def new(nodes: dict[str, str], fill: str) -> np.ndarray:
        return pixels(server, outcome, nodes[fill])[:, SIDE + 8 :].mean((0, 1))

    off = {fill: np.abs(new(begun, fill) - border).mean() for fill in begun}
    assert off["surroundings"] < 0.25 * off["keep"]
    # A low denoise continues the border, not the padding's grey
    # (at more, toy-sd gives all its own colours).
    off = {fill: np.abs(new(drawn, fill) - border).mean() for fill in drawn}
    assert off["surroundings"] < off["keep"]


def test_mask_grows_and_the_sampler_redraws_all_of_it(
    server: Server, client: Client, uploads: dict[str, str]
) -> None:
    build = Inpainting(uploads)
    latent = build.redrawn(build.vae_encoded(mask_grow=8))
    node = build.saved(latent, original=build.picture)
    outcome = client.run(build.graph, timeout=SECONDS)
    image, mask = Image.fromarray(soft_box()), soft_box()
    rows, columns = np.nonzero(mask)
    reach = np.zeros_like(mask)
    reach[rows.min() - 8 : rows.max() + 9, columns.min() - 8 : columns.max() + 9] = 1
    assert image.size == (SIDE, SIDE)
    drawn = (pixels(server, outcome, node) != photo()).any(-1)
    assert not drawn[reach == 0].any()
    assert drawn[(reach == 1) & (mask == 0)].any()


def test_mask_of_a_picture_without_alpha_is_explained(
    client: Client, uploads: dict[str, str]
) -> None:
    build = Inpainting(uploads)
    build.saved(build.vae_encoded(mask=[build.picture[0], 1]))
    with pytest.raises(RunFailed, match="Load Image returns this empty mask"):
        client.run(build.graph, timeout=SECONDS)


def test_original_without_a_mask_is_explained(client: Client, uploads: dict[str, str]) -> None:
    build = Inpainting(uploads)
    build.saved(build.vae_encoded(mask=None), original=build.picture)
    with pytest.raises(RunFailed, match="the latent has no mask: connect the mask"):
        client.run(build.graph, timeout=SECONDS)


@pytest.mark.parametrize("inputs", [{"tile_size": 32}, {"overlap": -32}])
def test_sizes_outside_the_widgets_are_refused(
    client: Client, uploads: dict[str, str], inputs: dict[str, int]
) -> None:
    build = Inpainting(uploads)
    build.saved(build.vae_encoded(), **inputs)
    with pytest.raises(GraphRejected, match=next(iter(inputs))):
        client.run(build.graph, timeout=SECONDS)


def test_unknown_choices_name_the_known_ones(client: Client, uploads: dict[str, str]) -> None:
    build = Inpainting(uploads)
    build.saved(build.vae_encoded(), tiling="sometimes")
    # Newer cores know the choices of a menu before the run.
    named = r"'sometimes' (is .*known: choose |not in \[)'?auto'?, '?always'?, '?never"
    with pytest.raises((RunFailed, GraphRejected), match=named):
        client.run(build.graph, timeout=SECONDS)
