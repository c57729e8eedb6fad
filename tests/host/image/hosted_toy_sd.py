"""toy-sd's parts compared with ComfyUI's inside ComfyUI's Python; prints JSON.

Run by test_toy_sd.py (see inside.py) with the base folder. Weights of UNet and autoencoder are
random; the text encoder is the real one.
"""

from __future__ import annotations

import functools
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import comfy.model_detection
import comfy.sd
import torch
from safetensors.torch import save_file

import nodes

checkpoints = Path(sys.argv[1]) / "models" / "checkpoints"
# Appended: the host has a module `nodes` of its own.
sys.path.append(str(Path(__file__).resolve().parents[3]))
unet, vae, text_model, text_tower = (
    importlib.import_module(f"lab.toy_sd.model.{name}")
    for name in ("unet", "autoencoder", "clip_model", "text_tower")
)
PROMPTS = ["landscape, green hills, no sun", "", "A critter, three eyes; frown... (it's 12 x 3)"]


def apart(one: torch.Tensor, two: torch.Tensor) -> float:
    """Return the largest difference in units of the largest value."""
    return float((one - two).abs().max() / two.abs().max())


with torch.inference_mode():
    torch.manual_seed(0)
    ours, coder = unet.UNet().eval(), vae.Autoencoder().eval()
    tower = {k: torch.from_numpy(v) for k, v in text_tower.text_tower().items()}
    # Unscaled, a random UNet predicts almost 0, and no picture would depend on the sampling.
    ours.out[2].weight.mul_(4)
    whole = {f"model.diffusion_model.{k}": v for k, v in ours.state_dict().items()}
    whole |= {f"first_stage_model.{k}": v for k, v in coder.state_dict().items()}
    checkpoints.mkdir(parents=True, exist_ok=True)
    file = checkpoints / "toy.safetensors"
    save_file({k: v.contiguous() for k, v in (whole | tower).items()}, file)
    model, clip, autoencoder = nodes.CheckpointLoaderSimple().load_checkpoint(file.name)
    results: dict[str, Any] = {"type": type(model.model.model_config).__name__}

    x, context = torch.randn(3, 4, 8, 12), torch.randn(3, 77, 768)
    times = torch.tensor([0.0, 333.5, 999.0])
    theirs = model.model.diffusion_model.float()
    results["unet"] = apart(ours(x, times, context), theirs(x, times, context=context))

    picture = torch.rand(2, 40, 32, 3)
    latents = autoencoder.encode(picture)
    results["encoder"] = apart(coder.encode(picture.movedim(-1, 1)), latents * vae.SCALE)
    results["decoder"] = apart(
        coder.decode(latents * vae.SCALE).clamp(0, 1).movedim(1, -1), autoencoder.decode(latents)
    )

    import comfy.sd1_clip

    tokenizer = text_model.clip_tokenizer(Path(comfy.sd1_clip.__file__).parent / "sd1_tokenizer")
    weights = {k: v.float() for k, v in tower.items()}
    results["text"] = []
    for prompt in PROMPTS:
        plain = prompt.replace("(", "\\(").replace(")", "\\)")
        tokens = text_model.tokens_of([prompt], tokenizer)
        core_tokens = clip.tokenize(plain)["l"]
        same = [int(token) for token, _ in core_tokens[0]] == tokens[0].tolist()
        for skip in (1, 2):
            skipping = clip.clone()
            skipping.clip_layer(-skip)
            core = skipping.encode_from_tokens(clip.tokenize(plain)).float()
            mine = text_model.encode(weights, tokens, skip)
            results["text"].append([same, apart(mine, core)])

    from lab.toy_sd.model import diffusion

    shares = diffusion.signal_shares()
    sampling = model.get_model_object("model_sampling")
    results["schedule"] = apart(((1 - shares) / shares).sqrt(), sampling.sigmas)

    from lab.toy_sd.drawings import text_encodings
    from lab.toy_sd.report import accuracy_rows as measure

    encodings = {
        skip: text_encodings.TextEncodings(tokenizer, torch.device("cpu"), keep=True, skip=skip)
        for skip in (1, 2)
    }
    artist = measure.Artist(ours, coder, encodings, 64, bf16=False)
    asked, other = (measure.asked(row, ["landscape"]) for row in (0, 2))
    start = torch.rand(1, 64, 64, 3)

    @functools.cache
    def texts_by_core(skip: int) -> list[Any]:
        (skipping,) = nodes.CLIPSetLastLayer().set_last_layer(clip, -skip)
        encode = nodes.CLIPTextEncode().encode
        return [encode(skipping, text)[0] for text in (asked.prompt.text, "")]

    def drawn_by_core(point: measure.Point) -> torch.Tensor:
        """Return latents that the nodes draw, as the UNet sees them."""
        (latent,) = nodes.EmptyLatentImage().generate(64, 64)
        if point.from_picture:
            (latent,) = nodes.VAEEncode().encode(autoencoder, start)
        (result,) = nodes.KSampler().sample(
            model, asked.seed, point.steps, point.cfg, "euler", "normal",
            *texts_by_core(point.clip_skip), latent,
            denoise=point.denoise,
        )  # fmt: skip
        return result["samples"].float() * vae.SCALE

    points = {
        "text to image": measure.Point(steps=6),
        "CFG 1": measure.Point(cfg=1, steps=6),
        "clip skip 2": measure.Point(steps=6, clip_skip=2),
        "denoise 0.5": measure.Point(steps=5, denoise=0.5, from_picture=True),
        "denoise 1 on a picture": measure.Point(steps=3, from_picture=True),
        "denoise 0": measure.Point(steps=3, denoise=0.0, from_picture=True),
    }
    results["drawn"] = {}
    for name, point in points.items():
        starts = start.movedim(-1, 1) if point.from_picture else None
        core = drawn_by_core(point)
        difference = apart(artist.latents(point, [asked], starts), core)
        (theirs,) = nodes.VAEDecode().decode(autoencoder, {"samples": core / vae.SCALE})
        ours_drawn = artist.draw(point, [asked], starts).movedim(1, -1)
        # The decoder's weights are random too: measure differences relative to its variation.
        in_picture = float((ours_drawn - theirs).abs().max() / theirs.std())
        results["drawn"][name] = [difference, in_picture]
    # The difference between other settings, for comparison with a mistake.
    whole_point = artist.latents(points["text to image"], [asked])
    results["others"] = {
        "prompt": apart(artist.latents(points["text to image"], [other]), whole_point),
        "CFG": apart(artist.latents(measure.Point(cfg=5.5, steps=6), [asked]), whole_point),
        "steps": apart(artist.latents(measure.Point(steps=7), [asked]), whole_point),
        "clip skip": apart(artist.latents(points["clip skip 2"], [asked]), whole_point),
    }
print(json.dumps(results))
