"""Core's VAE decode and encode, with what they do silently said: tiles, precision, memory."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import comfy.ldm.models.autoencoder
import comfy.model_management
import torch
from comfy_api.latest import io

from ...tipo_core.memory import is_out_of_memory
from ...tipo_core.pictures.vae.row_strips import Strips, can_strip
from ...tipo_core.pictures.vae.tiling import (
    AUTO,
    DEFAULT_OVERLAP,
    DEFAULT_TILE,
    TILINGS,
    RowStrips,
    Tiles,
    Tiling,
    Way,
    broken_vae_problem,
    first_that_fits,
    no_memory_advice,
    shape_text,
    tile_note,
    way_text,
    ways_to_run,
)
from ...tipo_core.pictures.vae.vae_precision import precision_name
from .vae_fp32 import in_fp32

# More than any device has: free_memory then unloads everything.
_EVERYTHING = 1e30
# Where core's decode and encode go when memory runs out, without telling their caller.
_OWN_TILES = tuple(
    name
    for verb in ("decode", "encode")
    for name in (*(f"{verb}_tiled_{kind}" for kind in ("", "1d", "3d")), f"_{verb}_tiled_owned")
)


@dataclass(frozen=True)
class Job:
    """One direction of a VAE on one input: `whole(vae)`, or `tiled(vae, tiles)`.

    `factor` is pixels a side for one latent pixel, `height` and `width` the picture's in pixels;
    `shape` is the input's.
    """

    verb: str
    shape: torch.Size
    factor: int
    height: int
    width: int
    whole: Callable[[Any], torch.Tensor]
    tiled: Callable[[Any, Tiles], torch.Tensor]


def run_vae(vae: Any, job: Job, asked: Tiling) -> tuple[torch.Tensor, list[str]]:
    """Return what core's VAE makes of a job, and the lines of a report.

    In one piece this is core's own `decode` or `encode`, bit for bit. Where memory runs out, other
    models leave the device and it is tried again, then in strips or tiles; values that are not
    finite are computed again by a copy of the VAE in fp32. `vae` is left as it was. Raises
    RuntimeError where memory does not suffice, ValueError where fp32 is not finite either, or for
    a tiling that the VAE does not have.
    """
    began = time.perf_counter()
    ways = _ways(vae, job, asked)
    result, index, is_finite = _result(vae, job, asked, ways)
    lines = [way_text(ways, index)]
    dtype = vae.vae_dtype
    if not is_finite:
        if dtype == torch.float32:
            raise ValueError(broken_vae_problem(job.verb))
        del result
        # What fp16 had no room for, fp32 has none for.
        ways = ways[index:]
        with in_fp32(vae, lambda: make_room(vae)) as precise:
            result, index, is_finite = _result(precise, job, asked, ways)
        if not is_finite:
            raise ValueError(broken_vae_problem(job.verb))
        line = f"{precision_name(dtype)} gave NaN or infinite values: done again in fp32"
        lines.append(line + (f", {way_text(ways, index)}" if index else ""))
        dtype = torch.float32
    if isinstance(ways[index], Tiles):
        note = tile_note(asked, job.factor)
        lines += [note] if note else []
        if getattr(vae, "handles_tiling", False):  # newer cores
            lines.append("this kind of VAE cuts its tiles itself")
    seconds = time.perf_counter() - began
    lines.append(f"{precision_name(dtype)} on {vae.device}, {seconds:.2f} s")
    return result, lines


def is_of_pictures(vae: Any) -> bool:
    """Return whether a VAE is one of pictures or video; others are of sound or of 3D shapes."""
    return vae.latent_dim > 1 and getattr(vae, "extra_1d_channel", None) is None


def _ways(vae: Any, job: Job, asked: Tiling) -> list[Way]:
    if is_of_pictures(vae):
        return ways_to_run(
            asked, job.factor, max(job.height, job.width), has_strips=has_strips(vae, job.verb)
        )
    if asked.tiling == AUTO:
        return [None]
    raise ValueError("This VAE is of sound or 3D shapes, not of pictures: set tiling to auto.")


def _result(vae: Any, job: Job, asked: Tiling, ways: list[Way]) -> tuple[torch.Tensor, int, bool]:
    """Run the first way that fits: the result, the way's index, whether all values are finite."""
    watch = _Watch()
    watched = with_watch(vae, watch)

    def run(way: Way) -> torch.Tensor:
        watch.is_finite = True
        if isinstance(way, Tiles):
            result = job.tiled(watched, way)
        elif isinstance(way, RowStrips):
            result = job.whole(without_own_tiles(in_strips(watched, job, way)))
        elif is_of_pictures(vae):
            result = job.whole(without_own_tiles(watched))
        else:  # core's own tiles are those that such a VAE needs
            result = job.whole(watched)
        if job.verb == "encode":
            watch.look(result)
        return result

    advice = no_memory_advice(job.verb, job.shape, str(vae.device), asked, ways)
    result, index = first_that_fits(ways, run, lambda: make_room(vae), is_out_of_memory, advice)
    return result, index, watch.is_finite


def make_room(vae: Any) -> None:
    """Let all models leave the device of a VAE; its own weights come back with its next run."""
    comfy.model_management.free_memory(_EVERYTHING, vae.device)
    comfy.model_management.soft_empty_cache()


class _Watch:
    """Notes whether all values that it was shown are finite."""

    def __init__(self) -> None:
        self.is_finite = True

    def look(self, values: torch.Tensor) -> torch.Tensor:
        # One pass and no tensor of the values' size: a sum is finite where all its terms are.
        if not torch.isfinite(values.sum()) and not torch.isfinite(values).all():
            self.is_finite = False
        return values


# The copies below hold the weights, and must not be in a reference cycle: what holds them is let go
# at once, not at the next garbage collection.


def with_watch(vae: Any, watch: _Watch) -> Any:
    """Return a shallow copy of a VAE whose decoder's values are watched.

    They are looked at before they are clamped to 0..1, which would make white of infinity.
    """
    watched = copy.copy(vae)
    watched.process_output = lambda image: vae.process_output(watch.look(image))
    return watched


def without_own_tiles(vae: Any) -> Any:
    """Return a shallow copy of a VAE whose `decode` and `encode` raise where memory runs out.

    Core's own catch the error and call their tiled forms, with sizes of their own and unseen by
    the caller; by then the failed run's tensors are freed. The copy has no such forms.
    """
    device = vae.device

    def refuse(*args: Any, **named: Any) -> torch.Tensor:
        raise MemoryError(f"{device} is out of memory")

    whole_only = copy.copy(vae)
    for name in _OWN_TILES:
        setattr(whole_only, name, refuse)
    return whole_only


def has_strips(vae: Any, verb: str) -> bool:
    """Return whether a VAE's encoder or decoder (by the verb) can be computed in strips."""
    model = vae.first_stage_model
    return (
        vae.latent_dim == 2
        and isinstance(model, comfy.ldm.models.autoencoder.AutoencodingEngine)
        and can_strip(getattr(model, f"{verb}r"))
    )


def in_strips(vae: Any, job: Job, way: RowStrips) -> Any:
    """Return a shallow copy of a VAE that computes its encoder or decoder in strips of rows.

    The layers are the VAE's own; what lies between them is kept where ComfyUI keeps pictures.
    """
    rows = way.rows(job.width)
    check = comfy.model_management.throw_exception_if_processing_interrupted
    strips = Strips(rows, vae.device, vae.output_device, check)
    model = copy.copy(vae.first_stage_model)
    # A module's copy shares the table of its parts.
    model._modules = dict(model._modules)
    name = f"{job.verb}r"
    coder = model._modules[name]
    compute = strips.decode if job.verb == "decode" else strips.encode
    # An encoder's output goes through one more layer, on the device.
    model._modules[name] = lambda x: compute(coder, x).to(x.device)
    stripped = copy.copy(vae)
    stripped.first_stage_model = model
    estimate = f"memory_used_{job.verb}"
    full = getattr(vae, estimate)
    share = min(rows / job.height, 1.0)
    setattr(stripped, estimate, lambda shape, dtype: full(shape, dtype) * share)
    return stripped


def decode_latent(vae: Any, samples: torch.Tensor, asked: Tiling) -> tuple[torch.Tensor, list[str]]:
    """Return pictures (B, H, W, C) in 0..1, or (B, T, H, W, C) of video, and lines of a report.

    `samples` is (B, C, H, W) or (B, C, T, H, W). Raises as `run_vae` does.
    """
    factor = vae.spacial_compression_decode() if is_of_pictures(vae) else 1

    def tiled(vae: Any, tiles: Tiles) -> torch.Tensor:
        size, overlap = tiles.size // factor, tiles.overlap // factor
        # Video keeps all its frames in one tile, as in core's own way out.
        decoded: torch.Tensor = vae.decode_tiled(samples, tile_x=size, tile_y=size, overlap=overlap)
        return decoded

    size = (samples.shape[-2] * factor, samples.shape[-1] * factor)
    job = Job("decode", samples.shape, factor, *size, lambda vae: vae.decode(samples), tiled)
    images, lines = run_vae(vae, job, asked)
    return images, [f"latent {shape_text(samples.shape)} -> {shape_text(images.shape)}", *lines]


def encode_pixels(vae: Any, pixels: torch.Tensor, asked: Tiling) -> tuple[torch.Tensor, list[str]]:
    """Return the latent of pictures (B, H, W, C) in 0..1, and the lines of a report.

    A VAE of video takes the batch as its frames. Raises as `run_vae` does.
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


def tiling_inputs(verb: str) -> list[io.Input]:
    """Return the inputs that both nodes share; the names are those of `Tiling`."""
    return [
        io.Combo.Input(
            "tiling",
            options=list(TILINGS),
            default=AUTO,
            optional=True,
            tooltip=f"auto {verb}s in one piece; when memory runs out in strips, which give the "
            "same picture (VAEs of SD, SDXL, SD3, Flux), then in tiles, which differ a little. "
            "always uses tiles, strips uses strips; never uses neither, and fails instead.",
        ),
        io.Int.Input(
            "tile_size",
            default=DEFAULT_TILE,
            min=64,
            max=4096,
            step=64,
            optional=True,
            tooltip="Side of a tile in pixels; a strip has as many pixels. Smaller needs less "
            "memory, and colours may differ from tile to tile. It is halved while memory runs out, "
            "down to 128.",
        ),
        io.Int.Input(
            "overlap",
            default=DEFAULT_OVERLAP,
            min=0,
            max=4096,
            step=32,
            optional=True,
            tooltip="How far tiles overlap, in pixels; they fade into each other there. At most a "
            "quarter of the tile is used.",
        ),
    ]
