"""Core's VAE decode and encode with fallbacks for memory and precision, all of them reported."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ...tipo_core.memory import first_that_fits
from ...tipo_core.pictures.vae.attempts import (
    Attempt,
    attempt_text,
    out_of_memory_advice,
    plan_attempts,
)
from ...tipo_core.pictures.vae.input_checks import broken_vae_problem, shape_text
from ...tipo_core.pictures.vae.tiling import AUTO, RowStrips, Tiles, Tiling, tile_note
from ...tipo_core.pictures.vae.vae_precision import precision_name
from ...tipo_core.report_lines import warning
from ..memory import free_device
from .vae_copies import FiniteCheck, has_strips, in_strips, with_check, without_silent_tiles
from .vae_fp32 import in_fp32


@dataclass(frozen=True)
class Job:
    """A decode or encode of one input: `whole(vae)` in one piece, `tiled(vae, tiles)` in tiles.

    `shape` is the input's, `factor` the side of a latent pixel in pixels; `height` and `width` are
    the picture's in pixels.
    """

    verb: str
    shape: torch.Size
    factor: int
    height: int
    width: int
    whole: Callable[[Any], torch.Tensor]
    tiled: Callable[[Any, Tiles], torch.Tensor]


def run_vae(vae: Any, job: Job, asked: Tiling) -> tuple[torch.Tensor, list[str]]:
    """Return the result of a job and the lines of its report; `vae` is not changed.

    In one piece the result is that of core's `decode` or `encode`, to the bit. If memory runs out,
    other models are unloaded and the job is retried, then run in strips or tiles. If values are NaN
    or infinite, a copy of the VAE computes them again in fp32. Raises RuntimeError if the memory is
    not sufficient, and ValueError if fp32 values are not finite either or the VAE does not support
    the requested tiling.
    """
    began = time.perf_counter()
    attempts = _attempts(vae, job, asked)
    result, index, is_finite = _result(vae, job, asked, attempts)
    lines = [attempt_text(attempts, index)]
    dtype = vae.vae_dtype
    if not is_finite:
        if dtype == torch.float32:
            raise ValueError(broken_vae_problem(job.verb))
        del result
        # An attempt that did not fit in a smaller precision does not fit in fp32.
        attempts = attempts[index:]
        with in_fp32(vae, lambda: free_device(vae.device)) as precise:
            result, index, is_finite = _result(precise, job, asked, attempts)
        if not is_finite:
            raise ValueError(broken_vae_problem(job.verb))
        line = f"{precision_name(dtype)} gave NaN or infinite values: computed again in fp32"
        lines.append(warning(line + (f", {attempt_text(attempts, index)}" if index else "")))
        dtype = torch.float32
    if isinstance(attempts[index], Tiles):
        note = tile_note(asked, job.factor)
        lines += [warning(note)] if note else []
        if getattr(vae, "handles_tiling", False):  # newer cores
            lines.append("this kind of VAE chooses its tiles itself")
    seconds = time.perf_counter() - began
    lines.append(f"{precision_name(dtype)} on {vae.device}, {seconds:.2f} s")
    return result, lines


def is_of_pictures(vae: Any) -> bool:
    """Return whether a VAE is for pictures or video; other VAEs are for sound or 3D shapes."""
    return vae.latent_dim > 1 and getattr(vae, "extra_1d_channel", None) is None


def _attempts(vae: Any, job: Job, asked: Tiling) -> list[Attempt]:
    if is_of_pictures(vae):
        return plan_attempts(
            asked, job.factor, max(job.height, job.width), has_strips=has_strips(vae, job.verb)
        )
    if asked.tiling == AUTO:
        return [None]
    raise ValueError("This VAE is for sound or 3D shapes, not for pictures: set tiling to auto.")


def _result(
    vae: Any, job: Job, asked: Tiling, attempts: list[Attempt]
) -> tuple[torch.Tensor, int, bool]:
    """Run the first attempt that fits; return the result, its index, and whether it is finite."""
    finite = FiniteCheck()
    checked = with_check(vae, finite)

    def run(attempt: Attempt) -> torch.Tensor:
        finite.is_finite = True
        if isinstance(attempt, Tiles):
            result = job.tiled(checked, attempt)
        elif isinstance(attempt, RowStrips):
            strips = in_strips(checked, job.verb, job.height, job.width, attempt)
            result = job.whole(without_silent_tiles(strips))
        elif is_of_pictures(vae):
            result = job.whole(without_silent_tiles(checked))
        else:  # a VAE for sound or 3D shapes needs core's own tiles
            result = job.whole(checked)
        if job.verb == "encode":
            finite.check(result)
        return result

    advice = out_of_memory_advice(job.verb, job.shape, str(vae.device), asked, attempts)
    result, index = first_that_fits(attempts, run, lambda: free_device(vae.device), advice)
    return result, index, finite.is_finite


def decode_latent(vae: Any, samples: torch.Tensor, asked: Tiling) -> tuple[torch.Tensor, list[str]]:
    """Decode samples (B, C, H, W) or (B, C, T, H, W); return pictures and lines of a report.

    The pictures are (B, H, W, C) in 0..1, or (B, T, H, W, C) of video. Errors are those of
    `run_vae`.
    """
    factor = vae.spacial_compression_decode() if is_of_pictures(vae) else 1

    def tiled(vae: Any, tiles: Tiles) -> torch.Tensor:
        size, overlap = tiles.size // factor, tiles.overlap // factor
        # All frames of a video are in one tile, as in core's own fallback.
        decoded: torch.Tensor = vae.decode_tiled(samples, tile_x=size, tile_y=size, overlap=overlap)
        return decoded

    size = (samples.shape[-2] * factor, samples.shape[-1] * factor)
    job = Job("decode", samples.shape, factor, *size, lambda vae: vae.decode(samples), tiled)
    images, lines = run_vae(vae, job, asked)
    return images, [f"latent {shape_text(samples.shape)} -> {shape_text(images.shape)}", *lines]


def encode_pixels(vae: Any, pixels: torch.Tensor, asked: Tiling) -> tuple[torch.Tensor, list[str]]:
    """Encode pictures (B, H, W, C) in 0..1; return the latent samples and lines of a report.

    A VAE for video takes the batch as its frames. Errors are those of `run_vae`.
    """

    def tiled(vae: Any, tiles: Tiles) -> torch.Tensor:
        encoded: torch.Tensor = vae.encode_tiled(
            pixels, tile_x=tiles.size, tile_y=tiles.size, overlap=tiles.overlap
        )
        return encoded

    factor = vae.spacial_compression_encode()
    size = (pixels.shape[1], pixels.shape[2])
    job = Job("encode", pixels.shape, factor, *size, lambda vae: vae.encode(pixels), tiled)
    samples, lines = run_vae(vae, job, asked)
    return samples, [f"pixels {shape_text(pixels.shape)} -> {shape_text(samples.shape)}", *lines]
