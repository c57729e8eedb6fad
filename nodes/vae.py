"""VAE Decode: core's VAE, with the latent checked first."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ..tipo_core.pictures.vae import channel_problem


def decode(vae: Any, latent: dict[str, Any]) -> torch.Tensor:
    """Pixels of a latent: (B, C, H, W) or (B, C, T, H, W) -> (B * T, 8 H, 8 W, 3) in 0..1.

    The same call as core's VAEDecode. Raises ValueError for a VAE of another model family and for
    a latent that is not finite.
    """
    samples = latent["samples"]
    if samples.is_nested:  # picture and sound in one latent: the picture comes first
        samples = samples.unbind()[0]
    vae.throw_exception_if_invalid()
    if vae.latent_dim > 1:  # sound and 3D shapes name their channels otherwise
        problem = channel_problem(vae.latent_channels, samples.shape)
        if problem:
            raise ValueError(problem)
    if not torch.isfinite(samples).all():
        raise ValueError(
            "The latent holds NaN or infinite values. They come from the sampler, not from the "
            "VAE: lower the cfg, choose another sampler, or run the model in a higher precision."
        )
    images = vae.decode(samples)
    if images.ndim == 5:  # video: the frames become the batch
        images = images.reshape(-1, *images.shape[-3:])
    return images


class TipoVaeDecode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TipoVaeDecode",
            display_name="VAE Decode",
            category="TIPO/latent",
            description="Turns a latent into pixels as core's VAE Decode does, and says plainly "
            "when the VAE is of another model family or the latent is broken.",
            inputs=[
                io.Latent.Input("samples", tooltip="Latent to decode."),
                io.Vae.Input("vae", tooltip="VAE made for the model that drew the latent."),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The decoded pictures.")
            ],
        )

    @classmethod
    def execute(cls, samples: dict[str, Any], vae: Any) -> io.NodeOutput:
        return io.NodeOutput(decode(vae, samples))


NODES = [TipoVaeDecode]
