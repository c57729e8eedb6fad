"""VAE Decode: core's decode of a checked latent, composited over an original if requested."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io, ui

from ...tipo_core.pictures.vae.inpainting import composited, fitted_mask, fitted_original
from ...tipo_core.pictures.vae.input_checks import channel_problem
from ...tipo_core.pictures.vae.tiling import AUTO, DEFAULT_OVERLAP, DEFAULT_TILE, Tiling
from ..host_features import schema
from ..inputs import report_output, tiling_inputs
from .vae_run import decode_latent


def decode(
    vae: Any, latent: dict[str, Any], asked: Tiling, original: torch.Tensor | None = None
) -> tuple[torch.Tensor, str]:
    """Decode a latent (B, C, H, W) or (B, C, T, H, W); return (B * T, H, W, 3) and the report.

    With the defaults the result is that of core's VAEDecode. With `original` (B or 1, H, W, C) only
    the area of the latent's noise_mask is taken from the decoded picture; the rest equals the
    original to the bit. Raises ValueError for a VAE of another model family, for NaN or infinite
    values in the latent and for an original that does not fit; other errors are those of `run_vae`.
    """
    samples, mask = latent["samples"], latent.get("noise_mask")
    if samples.is_nested:  # picture and sound: the picture comes first
        samples = samples.unbind()[0]
    if mask is not None and mask.is_nested:
        mask = mask.unbind()[0]
    vae.throw_exception_if_invalid()
    if vae.latent_dim > 1:  # latents of sound and 3D shapes have other channels
        problem = channel_problem(vae.latent_channels, samples.shape)
        if problem:
            raise ValueError(problem)
    if original is not None and mask is None:
        raise ValueError(
            "An original is connected, but the latent has no mask: connect the mask to VAE Encode "
            "or to Set Latent Noise Mask, or disconnect the original."
        )
    if not torch.isfinite(samples).all():
        raise ValueError(
            "The latent holds NaN or infinite values. They come from the sampler, not from the "
            "VAE: lower the cfg, choose another sampler, or run the model in a higher precision."
        )
    images, lines = decode_latent(vae, samples, asked)
    if images.ndim == 5:  # video: the frames become the batch
        images = images.reshape(-1, *images.shape[-3:])
    if original is not None and mask is not None:
        images, line = over_original(images, original, mask, vae.spacial_compression_decode())
        lines.insert(1, line)
    return images, "\n".join(lines)


def over_original(
    images: torch.Tensor, original: torch.Tensor, mask: torch.Tensor, factor: int
) -> tuple[torch.Tensor, str]:
    """Composite images (B, H, W, C) over the original by a noise mask; return them and a note.

    Raises ValueError if the original or the mask does not fit the images.
    """
    fitted = fitted_original(original, images.shape, factor)
    soft = fitted_mask(mask, images.shape, original.shape)
    kept = 100 * (soft == 0).float().mean().item()
    line = f"composited over the original, which is unchanged in {kept:.1f} % of the picture"
    if fitted.shape[1:3] != original.shape[1:3]:
        line += f"; the original was cropped from {original.shape[2]} x {original.shape[1]}"
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
            description="Decodes a latent like core's VAE Decode, with a clear error if the VAE "
            "belongs to another model family or the latent holds NaN. Black pictures are decoded "
            "again in fp32. If memory runs out, other models are unloaded, then strips or tiles "
            "are used; the report says so.",
            inputs=[
                io.Latent.Input("samples", tooltip="Latent to decode."),
                io.Vae.Input("vae", tooltip="VAE that matches the model of the latent."),
                *tiling_inputs("decode"),
                io.Image.Input(
                    "original",
                    optional=True,
                    tooltip="The picture that was encoded with a mask. The area outside the "
                    "latent's mask is taken from it unchanged; soft edges blend.",
                ),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The decoded pictures."),
                report_output("Shapes, whole or tiles, precision, device and seconds."),
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
