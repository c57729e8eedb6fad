"""Sizes of an SD-like VAE, for core's AutoencoderKL."""

from __future__ import annotations

from typing import Any


def kl_config(z_channels: int = 4, **changes: Any) -> dict[str, Any]:
    """Return the `ddconfig` of SD's VAE with changes, such as a smaller `ch` or `ch_mult`."""
    return {
        "double_z": True,
        "z_channels": z_channels,
        "resolution": 256,
        "in_channels": 3,
        "out_ch": 3,
        "ch": 128,
        "ch_mult": [1, 2, 4, 4],
        "num_res_blocks": 2,
        "attn_resolutions": [],
        **changes,
    }
