"""VAE Encode: core's encode, with a mask for inpainting, fills for it, and a report."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io, ui

from ...tipo_core.pictures.vae.inpainting import (
    FILLS,
    KEEP,
    SURROUNDINGS,
    filled_from_surroundings,
    grown,
    mask_of,
    pixels_problem,
)
from ...tipo_core.pictures.vae.tiling import AUTO, DEFAULT_OVERLAP, DEFAULT_TILE, Tiling
from ..host_features import schema
from .vae_run import encode_pixels, is_of_pictures, tiling_inputs


def checked_pixels(vae: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, list[str]]:
    """Return the colour channels of pixels (B, H, W, C), and what else was in them.

    Raises ValueError where the VAE cannot encode them.
    """
    vae.throw_exception_if_invalid()
    if not is_of_pictures(vae):
        raise ValueError(
            "This VAE is of sound or 3D shapes, the pixels are pictures: choose a VAE made for "
            "the image model."
        )
    channels = vae.output_channels
    if problem := pixels_problem(pixels.shape, channels, vae.spacial_compression_encode()):
        raise ValueError(problem)
    if not torch.isfinite(pixels).all():
        raise ValueError(
            "The pixels hold NaN or infinite values. They come from an earlier node, not from the "
            "VAE: look at the picture before it is encoded."
        )
    if pixels.shape[-1] == channels:
        return pixels, []
    what = "alpha is" if pixels.shape[-1] == channels + 1 else f"channels behind {channels} are"
    return pixels[..., :channels], [f"{what} left out: the VAE encodes {channels} channels"]


def masked(
    pixels: torch.Tensor, mask: torch.Tensor, mask_grow: int, fill: str
) -> tuple[torch.Tensor, torch.Tensor, str]:
    """Return pixels, filled where asked, the grown mask (B or 1, 1, H, W), and what was done."""
    if fill not in FILLS:
        raise ValueError(f"fill {fill!r} is not known: choose {' or '.join(FILLS)}")
    mask = grown(mask_of(mask, pixels.shape), mask_grow)
    line = f"mask: {100 * mask.mean().item():.1f} % of the picture"
    if mask_grow:
        line += f", grown by {mask_grow}"
    if not mask.any():
        line += " (empty: a sampler will change nothing)"
    if fill == SURROUNDINGS:
        pixels = filled_from_surroundings(pixels, mask)
        line += ", filled from its surroundings"
    return pixels, mask, line


def encode(
    vae: Any,
    pixels: torch.Tensor,
    mask: torch.Tensor | None,
    mask_grow: int,
    fill: str,
    asked: Tiling,
) -> tuple[dict[str, Any], str]:
    """Return the latent of pixels (B, H, W, C) and the report; the inputs stay as they are.

    The samples are those of core's VAEEncode. With a mask, the latent's noise_mask is (B, 1, H, W)
    as SetLatentNoiseMask makes it, cut as the encoder cuts the picture. Raises ValueError for
    pixels or masks that do not fit.
    """
    pixels, notes = checked_pixels(vae, pixels)
    if mask is not None:
        pixels, mask, line = masked(pixels, mask, mask_grow, fill)
        notes.append(line)
    cut = vae.vae_encode_crop_pixels(pixels)
    if cut.shape != pixels.shape:
        (height, width), (rows, columns) = pixels.shape[1:3], cut.shape[1:3]
        factor = vae.spacial_compression_encode()
        notes.append(
            f"cropped from {width} x {height} to {columns} x {rows} (width x height): the VAE "
            f"takes multiples of {factor}"
        )
    samples, lines = encode_pixels(vae, pixels, asked)
    latent: dict[str, Any] = {"samples": samples}
    if mask is not None:
        latent["noise_mask"] = vae.vae_encode_crop_pixels(mask.movedim(1, -1)).movedim(-1, 1)
    return latent, "\n".join([lines[0], *notes, *lines[1:]])


class TipoVaeEncode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoVaeEncode",
            display_name="VAE Encode",
            category="TIPO/latent",
            search_aliases=["vae encode tiled", "inpaint", "outpaint", "vae encode for inpainting"],
            advanced=["fill", "mask_grow", "tiling", "tile_size", "overlap"],
            shows_report=True,
            description="Turns pixels into a latent as core's VAE Encode does, and says what was "
            "done. With a mask the latent is ready for inpainting and outpainting at any denoise: "
            "the masked pixels are not made grey.",
            inputs=[
                io.Image.Input("pixels", tooltip="Pictures to encode; the frames of a video VAE."),
                io.Vae.Input("vae", tooltip="VAE made for the model that will sample the latent."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="What a sampler may redraw: 1 wholly, 0 not at all, between partly. Of "
                    "the pixels' size; one, or one for each picture.",
                ),
                io.Int.Input(
                    "mask_grow",
                    default=0,
                    min=0,
                    max=256,
                    optional=True,
                    tooltip="Pixels by which the mask is grown on each side. Soft edges stay soft.",
                ),
                io.Combo.Input(
                    "fill",
                    options=list(FILLS),
                    default=KEEP,
                    optional=True,
                    tooltip="What the masked part begins with, which shows below denoise 1: keep "
                    "leaves the pixels, surroundings continues what is around it. For outpainting "
                    "choose surroundings.",
                ),
                *tiling_inputs("encode"),
            ],
            outputs=[
                io.Latent.Output(
                    "latent",
                    display_name="latent",
                    tooltip="The encoded pictures, with the mask as their noise mask.",
                ),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="What was done: shapes, mask, crop, whole or tiles, precision, device, "
                    "seconds.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        pixels: torch.Tensor,
        vae: Any,
        mask: torch.Tensor | None = None,
        mask_grow: int = 0,
        fill: str = KEEP,
        tiling: str = AUTO,
        tile_size: int = DEFAULT_TILE,
        overlap: int = DEFAULT_OVERLAP,
    ) -> io.NodeOutput:
        asked = Tiling(tiling, tile_size, overlap)
        latent, report = encode(vae, pixels, mask, mask_grow, fill, asked)
        return io.NodeOutput(latent, report, ui=ui.PreviewText(report))


NODES = [TipoVaeEncode]
