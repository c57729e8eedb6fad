"""The VAE nodes tried inside ComfyUI's own Python, where memory runs out and fp16 overflows.

Run by test_vae_nodes.py (see inside.py) with a file of linear_vae.py's weights as its argument;
prints what was seen as JSON.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
from types import SimpleNamespace
from typing import Any

import comfy.model_management as management
import comfy.model_patcher
import comfy.nested_tensor
import comfy.sd
import comfy.taesd.taehv
import comfy.utils
import torch
from comfy.taesd.taesd import TAESD

import nodes as core

file = sys.argv[1]
decode_node = importlib.import_module("pack.nodes.vae.vae_decode").TipoVaeDecode
encode_node = importlib.import_module("pack.nodes.vae.vae_encode").TipoVaeEncode

WEIGHTS = {key: value.float() for key, value in comfy.utils.load_torch_file(file).items()}
PIXEL_SPACE = {"pixel_space_vae": torch.tensor(1.0)}
CPU = torch.device("cpu")
OUT_OF_MEMORY = "CUDA out of memory. Tried to allocate 2.00 GiB"


def new_vae(weights: dict[str, Any] | None = None, dtype: Any = torch.float32) -> Any:
    return comfy.sd.VAE(sd=dict(weights or WEIGHTS), dtype=dtype)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def picture(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def smooth(batch: int, side: int) -> torch.Tensor:
    """A latent that changes slowly, as those of pictures do."""
    small = normal(batch, 4, 6, 6)
    return torch.nn.functional.interpolate(small, size=(side, side), mode="bicubic")


def decoded(vae: Any, samples: Any, **inputs: Any) -> tuple[torch.Tensor, list[str]]:
    """The picture and the report without shapes and seconds."""
    latent = samples if isinstance(samples, dict) else {"samples": samples}
    image, report = decode_node.execute(latent, vae, **inputs).args
    return image, without_time(report)


def encoded(vae: Any, pixels: torch.Tensor, **inputs: Any) -> tuple[dict[str, Any], list[str]]:
    latent, report = encode_node.execute(pixels, vae, **inputs).args
    return latent, without_time(report)


def without_time(report: str) -> list[str]:
    lines = report.split("\n")
    return [*lines[:-1], lines[-1].rpartition(",")[0]]


def said(run: Any) -> str:
    """Return the type and text of what `run` raises."""
    try:
        run()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return ""


def as_core(vae: Any, samples: torch.Tensor) -> torch.Tensor:
    image: torch.Tensor = core.VAEDecode().decode(vae, {"samples": samples})[0]
    return image


def video_vae() -> Any:
    model = comfy.taesd.taehv.TAEHV(latent_channels=16)
    weights = {}
    for number, (key, value) in enumerate(model.state_dict().items()):
        fan_in = max(value[0].numel(), 1)
        weights[key] = normal(*value.shape, seed=number) * (1.5 / fan_in) ** 0.5
    return new_vae(weights)


class Limited:
    """Makes a VAE run out of memory above an area of its input; notes the sizes it was given."""

    def __init__(self, vae: Any, verb: str, limit: int, failures: int = 1000) -> None:
        self.limit, self.failures = limit, failures
        self.sizes: list[tuple[int, ...]] = []
        self.run = getattr(vae.first_stage_model, verb)
        setattr(vae.first_stage_model, verb, self)

    def __call__(self, values: torch.Tensor, **options: Any) -> torch.Tensor:
        size = tuple(values.shape[-2:])
        self.sizes.append(size)
        if size[0] * size[1] > self.limit and self.failures:
            self.failures -= 1
            raise torch.OutOfMemoryError(OUT_OF_MEMORY)
        result: torch.Tensor = self.run(values, **options)
        return result


def state_of(vae: Any) -> tuple[Any, ...]:
    weights = vae.first_stage_model.state_dict().values()
    # Not their addresses: newer cores copy a weight to where it is computed with.
    return (dict(vars(vae)), [(w.dtype, w.device, w.double().sum().item()) for w in weights])


def defaults() -> dict[str, Any]:
    vae = new_vae()
    before = state_of(vae)
    samples, pixels = normal(3, 4, 9, 13), picture(2, 67, 100, 4)
    image, decode_report = decoded(vae, samples)
    latent, encode_report = encoded(vae, pixels)
    half, few = new_vae(dtype=torch.float16), samples[:1, :, :4, :4]
    half_image, half_report = decoded(half, few)
    pair = comfy.nested_tensor.NestedTensor((samples, normal(3, 8, 5)))
    return {
        "decode": torch.equal(image, as_core(vae, samples)),
        "decode report": decode_report,
        "encode": torch.equal(
            latent["samples"], core.VAEEncode().encode(vae, pixels)[0]["samples"]
        ),
        "encode report": encode_report,
        "encode keys": list(latent),
        "half": torch.equal(half_image, as_core(half, few)),
        "half report": half_report,
        "nested": torch.equal(decoded(vae, pair)[0], image),
        "untouched": before == state_of(vae),
    }


def video() -> dict[str, Any]:
    vae = video_vae()
    samples, pixels = normal(1, 16, 2, 8, 12), picture(5, 32, 96, 3)
    image, report = decoded(vae, samples)
    latent, _ = encoded(vae, pixels, mask=picture(5, 32, 96))
    found = {
        "decode": torch.equal(image, as_core(vae, samples)),
        "report": report,
        "encode": torch.equal(latent["samples"], vae.encode(pixels)),
        "shapes": [list(image.shape), list(latent["samples"].shape)],
        "mask": list(latent["noise_mask"].shape),
    }
    tiles, tiles_report = decoded(vae, samples, tiling="always", tile_size=64, overlap=16)
    direct = vae.decode_tiled(samples, tile_x=8, tile_y=8, overlap=2)
    found["tiles"] = torch.equal(tiles, direct.reshape(-1, *direct.shape[-3:]))
    found["tiles report"] = tiles_report
    found["not whole"] = not torch.equal(tiles, image)
    latent, _ = encoded(vae, pixels, tiling="always", tile_size=64, overlap=16)
    direct = vae.encode_tiled(pixels, tile_x=64, tile_y=64, overlap=16)
    found["encode tiles"] = torch.equal(latent["samples"], direct)
    return found


def memory() -> dict[str, Any]:
    other = new_vae()
    found: dict[str, Any] = {}

    def is_loaded(one: Any) -> bool:
        return any(patcher is one.patcher for patcher in management.loaded_models())

    def load_other() -> None:
        management.load_models_gpu([other.patcher])
        assert is_loaded(other)

    # Pixels as latents: what is tried is seen in the log, and nothing has to be computed.
    samples, pixels = picture(1, 3, 320, 320) * 2 - 1, picture(1, 320, 320, 3)
    free = new_vae(PIXEL_SPACE)
    whole, whole_latent = as_core(free, samples), free.encode(pixels)

    def limited(verb: str, side: int, **more: Any) -> tuple[Any, Limited]:
        scarce = new_vae(PIXEL_SPACE)
        return scarce, Limited(scarce, verb, side * side, **more)

    load_other()
    decoded(free, samples)
    found["stays"] = is_loaded(other)

    scarce, log = limited("decode", 0, failures=1)
    image, report = decoded(scarce, samples)
    found["once"] = [torch.equal(image, whole), report, log.sizes, is_loaded(other)]

    load_other()
    scarce, log = limited("decode", 256)
    before = state_of(scarce)
    image, report = decoded(scarce, samples)
    close = torch.allclose(image, whole, atol=1e-5)
    found["tiles"] = [close, report, log.sizes[:3], is_loaded(other)]
    found["untouched"] = before == state_of(scarce)

    _, report = decoded(limited("decode", 256)[0], samples, tile_size=256, overlap=128)
    found["limited overlap"] = report
    scarce, log = limited("decode", 128)
    image, report = decoded(scarce, samples)
    found["halved"] = [report, log.sizes[:4]]
    found["floor"] = said(lambda: decoded(limited("decode", 0)[0], samples))
    scarce, log = limited("decode", 256)
    found["never"] = [said(lambda: decoded(scarce, samples, tiling="never")), log.sizes]

    scarce, log = limited("encode", 256)
    latent, report = encoded(scarce, pixels)
    close = torch.allclose(latent["samples"], whole_latent, atol=1e-5)
    found["encode"] = [close, report, log.sizes[:3]]
    found["encode floor"] = said(lambda: encoded(limited("encode", 0)[0], pixels))

    scarce = new_vae(PIXEL_SPACE)
    scarce.first_stage_model.decode = lambda values: 1 / 0
    found["other error"] = said(lambda: decoded(scarce, samples))
    return found


def tiles() -> dict[str, Any]:
    vae, samples = new_vae(), smooth(1, 24)[..., :8]
    whole = as_core(vae, samples)
    direct = vae.decode_tiled(samples, tile_x=16, tile_y=16, overlap=4)
    image, report = decoded(vae, samples, tiling="always", tile_size=128)
    found: dict[str, Any] = {"decode": [torch.equal(image, direct), report]}
    found["decode difference"] = (image - whole).abs().mean().item() * 255
    found["not whole"] = not torch.equal(image, whole)

    direct = vae.encode_tiled(whole, tile_x=128, tile_y=128, overlap=32)
    latent, report = encoded(vae, whole, tiling="always", tile_size=128)
    found["encode"] = [torch.equal(latent["samples"], direct), report]
    found["encode difference"] = (direct - vae.encode(whole)).abs().mean().item()

    own = new_vae()
    own.handles_tiling = True  # as newer cores mark VAEs that have tiles of their own
    own.first_stage_model.decode_tiled = lambda x, **tile: own.first_stage_model.decode(x)
    found["own tiles"] = decoded(own, samples, tiling="always", tile_size=128)[1]

    sound = SimpleNamespace(
        latent_dim=1,
        latent_channels=64,
        vae_dtype=torch.float32,
        device=CPU,
        throw_exception_if_invalid=lambda: None,
        process_output=lambda values: values,
        decode=lambda samples: samples * 2,
    )
    found["sound"] = decoded(sound, torch.ones(1, 64, 5))[0].tolist() == [[[2.0] * 5] * 64]
    found["sound tiles"] = said(lambda: decoded(sound, torch.ones(1, 64, 5), tiling="always"))
    found["sound encode"] = said(lambda: encoded(sound, whole))
    return found


def overflowing() -> dict[str, Any]:
    """The weights scaled so that fp16 overflows inside; exact in fp32."""
    scales = {"decoder": {1: 15, 7: 4, 12: -9, 17: -10}, "encoder": {0: 14, 2: 3, 6: -8, 10: -9}}
    weights = dict(WEIGHTS)
    for part, powers in scales.items():
        for position, power in powers.items():
            weights[f"taesd_{part}.{position}.weight"] = (
                WEIGHTS[f"taesd_{part}.{position}.weight"] * 2.0**power
            )
    weights["taesd_encoder.0.bias"] = WEIGHTS["taesd_encoder.0.bias"] * 2.0**14
    return weights


def precision() -> dict[str, Any]:
    samples, pixels = normal(1, 4, 4, 4) * 3, picture(1, 32, 32, 3)
    vae, exact = new_vae(overflowing(), torch.float16), new_vae()
    found: dict[str, Any] = {
        "core is not finite": [
            not as_core(vae, samples).isfinite().all().item(),
            not vae.encode(pixels).isfinite().all().item(),
        ]
    }
    gc.collect()
    before = state_of(vae)
    models = sum(isinstance(thing, TAESD) for thing in gc.get_objects())
    loaded = len(management.loaded_models())
    image, report = decoded(vae, samples)
    latent, encode_report = encoded(vae, pixels)
    # Without a collection: nothing of the copy may wait for one.
    found["models left"] = sum(isinstance(thing, TAESD) for thing in gc.get_objects()) - models
    found["loaded left"] = len(management.loaded_models()) - loaded
    found["untouched"] = before == state_of(vae)
    found["decode"] = (image - as_core(exact, samples)).abs().max().item()
    found["encode"] = (latent["samples"] - exact.encode(pixels)).abs().max().item()
    found["reports"] = [report, encode_report]
    tiles, report = decoded(vae, samples, tiling="always", tile_size=64)
    found["tiles"] = (tiles - image).abs().max().item()
    found["tiles report"] = report

    # The last layer alone overflows: infinity, which clamping would make white.
    weights = dict(WEIGHTS)
    for part in ("weight", "bias"):
        weights[f"taesd_decoder.19.{part}"] = WEIGHTS[f"taesd_decoder.19.{part}"] * 60000
    white = new_vae(weights, torch.float16)
    found["white in core"] = as_core(white, samples).isfinite().all().item()
    found["white"] = decoded(white, samples)[1]

    for key in ("taesd_decoder.19.bias", "taesd_encoder.14.bias"):
        weights[key] = torch.full_like(WEIGHTS[key], torch.nan)
    for dtype in (torch.float32, torch.float16):
        broken = new_vae(weights, dtype)
        found[f"broken {dtype}"] = [
            said(lambda broken=broken: decoded(broken, samples)),
            said(lambda broken=broken: encoded(broken, pixels)),
        ]
    sick = samples.clone()
    sick[0, 0, 0, 0] = torch.inf
    found["latent"] = said(lambda: decoded(vae, sick))
    sick = pixels.clone()
    sick[0, 5, 5, 1] = torch.nan
    found["pixels"] = said(lambda: encoded(vae, sick))

    # Partly loaded, as --lowvram does it: the copy starts from an unloaded model.
    vae.patcher.load(CPU, lowvram_model_memory=vae.model_size() / 2)
    found["lowvram"] = torch.equal(decoded(vae, samples)[0], image)

    tight = new_vae(overflowing(), torch.float16)
    failures = [1]

    class Tight(comfy.model_patcher.ModelPatcher):
        def partially_load(self, *given: Any, **named: Any) -> Any:
            if self.model.taesd_decoder[1].weight.dtype == torch.float32 and failures.pop():
                failures.append(0)
                raise torch.OutOfMemoryError(OUT_OF_MEMORY)
            return super().partially_load(*given, **named)

    # Newer cores look their class of patchers up under a second name.
    names = [n for n in ("ModelPatcher", "CoreModelPatcher") if hasattr(comfy.model_patcher, n)]
    own = comfy.model_patcher.ModelPatcher
    for name in names:
        setattr(comfy.model_patcher, name, Tight)
    try:
        image_too, report = decoded(tight, samples)
    finally:
        for name in names:
            setattr(comfy.model_patcher, name, own)
    found["tight"] = [torch.equal(image_too, image), report]
    return found


def inpainting() -> dict[str, Any]:
    vae = new_vae()
    pixels = picture(2, 67, 100, 3)
    mask = torch.zeros(1, 67, 100)
    mask[:, 20:50, 40:70] = picture(1, 30, 30, seed=5)
    mask[:, 30:40, 50:60] = 1
    latent, report = encoded(vae, pixels, mask=mask)
    set_mask = core.SetLatentNoiseMask().set_mask({"samples": latent["samples"]}, mask)[0]
    found: dict[str, Any] = {
        "samples": torch.equal(latent["samples"], vae.encode(pixels)),
        "mask": torch.equal(latent["noise_mask"], set_mask["noise_mask"][..., 1:65, 2:98]),
        "report": report,
    }
    changed = {**latent, "samples": latent["samples"] + 0.3}
    plain, _ = decoded(vae, changed["samples"])
    image, report = decoded(vae, changed, original=pixels)
    cut, soft = pixels[:, 1:65, 2:98], mask[0, 1:65, 2:98, None]
    kept = soft[..., 0] == 0
    found["kept"] = torch.equal(image[:, kept], cut[:, kept])
    found["redrawn"] = torch.equal(image[:, soft[..., 0] == 1], plain[:, soft[..., 0] == 1])
    found["blend"] = (image - (cut * (1 - soft) + plain * soft)).abs().max().item()
    found["changed"] = (image - cut).abs().max().item()
    found["decode report"] = report
    whole_mask = {**changed, "noise_mask": set_mask["noise_mask"]}
    found["uncut mask"] = torch.equal(decoded(vae, whole_mask, original=pixels)[0], image)
    # As from SetLatentNoiseMask in front of an upscale: scaled as the sampler scales it.
    low = {**changed, "noise_mask": latent["noise_mask"][..., ::2, ::2]}
    scaled = torch.nn.functional.interpolate(low["noise_mask"], size=(64, 96), mode="bilinear")
    image, found["scaled report"] = decoded(vae, low, original=cut)
    found["scaled mask"] = torch.equal(image[:, scaled[0, 0] == 0], cut[:, scaled[0, 0] == 0])

    square = picture(1, 64, 64, 3)
    dot = torch.zeros(1, 64, 64)
    dot[0, 32, 32] = 0.5
    latent, report = encoded(vae, square, mask=dot, mask_grow=3)
    expected = torch.zeros(64, 64)
    expected[29:36, 29:36] = 0.5
    found["grown"] = torch.equal(latent["noise_mask"][0, 0], expected)
    found["grown report"] = report
    found["empty report"] = encoded(vae, square, mask=torch.zeros(1, 64, 64))[1]

    grey = square.clone()
    grey[:, :, 32:] = 0.5
    half = torch.zeros(1, 64, 64)
    half[:, :, 32:] = 1
    untouched = grey.clone()
    latent, report = encoded(vae, grey, mask=half, fill="surroundings")
    found["inputs untouched"] = torch.equal(grey, untouched)
    found["fill report"] = report

    def problem(**changes: Any) -> str:
        inputs = {"pixels": square, "mask": dot, **changes}
        return said(lambda: encoded(vae, **inputs))

    wide = new_vae()
    wide.output_channels = 4
    found["problems"] = {
        "size": problem(mask=torch.ones(1, 64, 32)),
        "no alpha": problem(pixels=picture(1, 96, 96, 3), mask=torch.zeros(1, 64, 64)),
        "batch": problem(pixels=picture(2, 64, 64, 3), mask=torch.ones(3, 64, 64)),
        "all masked": problem(mask=torch.ones(1, 64, 64), fill="surroundings"),
        "fill": problem(fill="grey"),
        "one channel": problem(pixels=picture(1, 64, 64, 1)),
        "rgba vae": said(lambda: encoded(wide, square)),
        "tiny": problem(pixels=picture(1, 7, 64, 3)),
        "shape": problem(pixels=picture(64, 64, 3)),
    }

    def decode_problem(original: torch.Tensor, noise_mask: Any = None, batch: int = 1) -> str:
        latent = {"samples": normal(batch, 4, 8, 8)}
        if noise_mask is not None:
            latent["noise_mask"] = noise_mask
        return said(lambda: decoded(vae, latent, original=original))

    one = torch.ones(1, 1, 64, 64)
    found["decode problems"] = {
        "no mask": decode_problem(square),
        "size": decode_problem(picture(1, 128, 64, 3), one),
        "batch": decode_problem(picture(3, 64, 64, 3), one, batch=2),
        "masks": decode_problem(square, torch.ones(3, 1, 64, 64), batch=2),
        "channels": decode_problem(picture(1, 64, 64, 1), one),
    }
    return found


parts = (defaults, video, memory, tiles, precision, inpainting)
with torch.inference_mode():
    print(json.dumps({part.__name__: part() for part in parts}, default=str))
