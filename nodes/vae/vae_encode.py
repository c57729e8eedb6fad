"""VAE Encode: core's encode, with a mask for inpainting that can be filled, and a report."""

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
)
from ...tipo_core.pictures.vae.input_checks import pixels_problem
from ...tipo_core.pictures.vae.tiling import AUTO, DEFAULT_OVERLAP, DEFAULT_TILE, Tiling
from ...tipo_core.report_lines import warning
from ..host_features import schema
from ..inputs import report_output, tiling_inputs
from .vae_run import encode_pixels, is_of_pictures


def checked_pixels(vae: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, list[str]]:
    """Return the colour channels of pixels (B, H, W, C), and a note on other channels.

    Raises ValueError if the VAE cannot encode the pixels.
    """
    vae.throw_exception_if_invalid()
    if not is_of_pictures(vae):
        raise ValueError(
            "This VAE is for sound or 3D shapes, but the pixels are pictures: choose a VAE that "
            "matches the image model."
        )
    channels = vae.output_channels
    if problem := pixels_problem(pixels.shape, channels, vae.spacial_compression_encode()):
        raise ValueError(problem)
    if not torch.isfinite(pixels).all():
        raise ValueError(
            "The pixels hold NaN or infinite values. They come from an earlier node, not from the "
            "VAE: check the picture before it is encoded."
        )
    if pixels.shape[-1] == channels:
        return pixels, []
    extra = "alpha is" if pixels.shape[-1] == channels + 1 else f"channels after {channels} are"
    return pixels[..., :channels], [f"{extra} left out: the VAE encodes {channels} channels"]


def masked(
    pixels: torch.Tensor, mask: torch.Tensor, mask_grow: int, fill: str
) -> tuple[torch.Tensor, torch.Tensor, str]:
    """Return pixels with the requested fill, the grown mask (B or 1, 1, H, W), and a note."""
    if fill not in FILLS:
        raise ValueError(f"fill {fill!r} is unknown: choose {' or '.join(FILLS)}")
    mask = grown(mask_of(mask, pixels.shape), mask_grow)
    line = f"mask: {100 * mask.mean().item():.1f} % of the picture"
    if mask_grow:
        line += f", grown by {mask_grow}"
    if not mask.any():
        line += " (empty: a sampler will change nothing)"
    if fill == SURROUNDINGS:
        pixels = filled_from_surroundings(pixels, mask)
        line += ", filled from its surroundings"
    return pixels, mask, line if mask.any() else warning(line)


def encode(
    vae: Any,
    pixels: torch.Tensor,
    mask: torch.Tensor | None,
    mask_grow: int,
    fill: str,
    asked: Tiling,
) -> tuple[dict[str, Any], str]:
    """Return the latent of pixels (B, H, W, C) and the report; the inputs are not changed.

    The samples are those of core's VAEEncode. With a mask, the latent's noise_mask (B, 1, H, W) is
    that of SetLatentNoiseMask, cropped like the picture. Raises ValueError for pixels or masks
    that do not fit.
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
            description="Encodes pixels like core's VAE Encode, with a mask for inpainting and "
            "outpainting at any denoise, and a report. The masked pixels are not replaced with "
            "grey.",
            inputs=[
                io.Image.Input("pixels", tooltip="Pictures to encode; the frames of a video VAE."),
                io.Vae.Input("vae", tooltip="VAE that matches the model that samples the latent."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Area that a sampler may redraw: 1 fully, 0 not at all, values between "
                    "partly. It has the size of the pixels; one mask, or one per picture.",
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
                    tooltip="Start content of the masked area, visible below denoise 1: keep "
                    "leaves the pixels, surroundings continues the picture around the mask. Choose "
                    "surroundings for outpainting.",
                ),
                *tiling_inputs("encode"),
            ],
            outputs=[
                io.Latent.Output(
                    "latent",
                    display_name="latent",
                    tooltip="The encoded pictures, with the mask as their noise mask.",
                ),
                report_output("Shapes, mask, crop, whole or tiles, precision, device and seconds."),
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
