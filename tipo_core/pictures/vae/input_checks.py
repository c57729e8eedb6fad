"""Checks of the input and output of a VAE, by shape; each returns an error message or None."""

from __future__ import annotations

from collections.abc import Sequence


def channel_problem(vae_channels: int, latent_shape: Sequence[int]) -> str | None:
    """Return the reason that a latent (B, C, ...) does not fit the VAE, or None."""
    channels = latent_shape[1]
    if channels == vae_channels:
        return None
    return (
        f"The VAE decodes {vae_channels} latent channels, the latent has {channels} (shape "
        f"{shape_text(latent_shape)}): choose a VAE made for the model that drew the "
        "latent. SD1.x, SD2.x and SDXL use 4 channels; SD3, Flux and most video models 16."
    )


def pixels_problem(pixels_shape: Sequence[int], channels: int, factor: int) -> str | None:
    """Return the reason that pixels (B, H, W, C) cannot be encoded, with the remedy, or None.

    `channels` are those of the VAE, `factor` its pixels a side for one latent pixel.
    """
    if len(pixels_shape) != 4:
        return (
            "Pixels must have the shape batch x height x width x channels, not "
            f"{shape_text(pixels_shape)}: connect an IMAGE."
        )
    _, height, width, found = pixels_shape
    if found < channels:
        return (
            f"The VAE encodes {channels} colour channels, the pixels have {found} (shape "
            f"{shape_text(pixels_shape)}): convert the picture to RGB."
        )
    if min(height, width) < factor:
        return (
            f"The picture is {width} x {height}, the VAE needs at least {factor} x {factor} "
            "(width x height): scale it up."
        )
    return None


def broken_vae_problem(verb: str) -> str:
    """Return the error for a VAE whose output is not finite in fp32 either."""
    return (
        f"The VAE's output is NaN or infinite in fp32 too, although the input to {verb} is "
        "finite: its weights are broken. Download the file again, or choose another VAE."
    )


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as text: "1 x 4 x 64 x 64"."""
    return " x ".join(map(str, shape))
