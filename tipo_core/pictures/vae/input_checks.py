"""Whether a VAE and a latent fit, told by their channels; nothing is loaded here."""

from __future__ import annotations

from collections.abc import Sequence


def channel_problem(vae_channels: int, latent_shape: Sequence[int]) -> str | None:
    """Why a latent (B, C, ...) does not fit the VAE; None where it does."""
    channels = latent_shape[1]
    if channels == vae_channels:
        return None
    return (
        f"The VAE decodes {vae_channels} latent channels, the latent has {channels} (shape "
        f"{' x '.join(map(str, latent_shape))}): choose a VAE made for the model that drew the "
        "latent. SD1.x, SD2.x and SDXL use 4 channels; SD3, Flux and most video models 16."
    )
