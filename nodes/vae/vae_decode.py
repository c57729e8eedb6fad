"""VAE Decode: core's VAE, with the latent checked first."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io, ui

from ...tipo_core.pictures.vae.inpainting import composited, fitted_mask, fitted_original
from ...tipo_core.pictures.vae.input_checks import channel_problem
from ...tipo_core.pictures.vae.tiling import AUTO, DEFAULT_OVERLAP, DEFAULT_TILE, Tiling
from ..host_features import schema
from .vae_run import decode_latent, tiling_inputs


def decode(
    vae: Any, latent: dict[str, Any], asked: Tiling, original: torch.Tensor | None = None
) -> tuple[torch.Tensor, str]:
    """Pixels of a latent and the report: (B, C, H, W) or (B, C, T, H, W) -> (B * T, H, W, 3).

    At the defaults the same call as core's VAEDecode. With `original` (B or 1, H, W, C) only what
    the latent's noise_mask covers is decoded, the rest is the original's to the last bit. Raises
    ValueError for a VAE of another model family, for a latent that is not finite and for an
    original that does not fit, and as `run_vae` does.
    """
    samples, mask = latent["samples"], latent.get("noise_mask")
    if samples.is_nested:  # picture and sound in one latent: the picture comes first
        samples = samples.unbind()[0]
    if mask is not None and mask.is_nested:
        mask = mask.unbind()[0]
    vae.throw_exception_if_invalid()
    if vae.latent_dim > 1:  # sound and 3D shapes name their channels otherwise
        problem = channel_problem(vae.latent_channels, samples.shape)
        if problem:
            raise ValueError(problem)
    if original is not None and mask is None:
        raise ValueError(
            "An original is connected, but the latent carries no mask: connect the mask to VAE "
            "Encode or to Set Latent Noise Mask, or take the original away."
        )
    if not torch.isfinite(samples).all():
        raise ValueError(
            "The latent holds NaN or infinite values. They come from the sampler, not from the "
            "VAE: lower the cfg, choose another sampler, or run the model in a higher precision."
        )
    images, lines = decode_latent(vae, samples, asked)
    if images.ndim == 5:  # video: the frames become the batch
        images = images.reshape(-1, *images.shape[-3:])
    if original is not None:
        images, line = over_original(images, original, mask, vae.spacial_compression_decode())
        lines.insert(1, line)
    return images, "\n".join(lines)


def over_original(
    images: torch.Tensor, original: torch.Tensor, mask: torch.Tensor, factor: int
) -> tuple[torch.Tensor, str]:
    """Return decoded images (B, H, W, C) laid over the original by a noise mask, and what it was.

    Raises ValueError where one of them does not fit the images.
    """
    fitted = fitted_original(original, images.shape, factor)
    soft = fitted_mask(mask, images.shape, original.shape)
    kept = 100 * (soft == 0).float().mean().item()
    line = f"over the original, which is kept bit for bit in {kept:.1f} % of it"
    if fitted.shape[1:3] != original.shape[1:3]:
        line += f"; it was cropped from {original.shape[2]} x {original.shape[1]}"
    if mask.shape[-2:] not in (soft.shape[1:3], original.shape[1:3]):
        line += f"; the mask was scaled from {mask.shape[-1]} x {mask.shape[-2]}"
    return composited(images, fitted, soft), line


class TipoVaeDecode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoVaeDecode",
            display_name="VAE Decode",
            category="TIPO/latent",
            search_aliases=["vae decode tiled", "black image", "fp32 vae", "nan"],
            advanced=["tiling", "tile_size", "overlap"],
            shows_report=True,
            description="Turns a latent into pixels as core's VAE Decode does, and says plainly "
            "when the VAE is of another model family or the latent is broken. Black pictures are "
            "decoded again in fp32; when memory runs out it makes room, then uses tiles, and says "
            "so.",
            inputs=[
                io.Latent.Input("samples", tooltip="Latent to decode."),
                io.Vae.Input("vae", tooltip="VAE made for the model that drew the latent."),
                *tiling_inputs("decode"),
                io.Image.Input(
                    "original",
                    optional=True,
                    tooltip="Picture that was encoded with a mask. What the latent's mask leaves "
                    "out is taken from it bit for bit; soft edges blend.",
                ),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The decoded pictures."),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="What was done: shapes, whole or tiles, precision, device, seconds.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        samples: dict[str, Any],
        vae: Any,
        tiling: str = AUTO,
        tile_size: int = DEFAULT_TILE,
        overlap: int = DEFAULT_OVERLAP,
        original: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        images, report = decode(vae, samples, Tiling(tiling, tile_size, overlap), original)
        return io.NodeOutput(images, report, ui=ui.PreviewText(report))


NODES = [TipoVaeDecode]
