"""toy-sd's parts beside ComfyUI's, inside ComfyUI's own Python; prints JSON.

Run by test_toy_sd.py (see inside.py) with a folder to write in. The weights of UNet and autoencoder
are random; the text encoder is the real one.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import comfy.model_detection
import comfy.sd
import torch
from safetensors.torch import save_file

folder = Path(sys.argv[1])
toy = "pack.tipo_core.training.toy_sd"
unet, vae, text_model, text_tower = (
    importlib.import_module(f"{toy}.{name}") for name in ("unet", "vae", "text_model", "text_tower")
)
PROMPTS = ["landscape, green hills, no sun", "", "A critter, three eyes; frown... (it's 12 x 3)"]


def apart(one: torch.Tensor, two: torch.Tensor) -> float:
    """Return the largest difference in units of the largest value."""
    return float((one - two).abs().max() / two.abs().max())


with torch.inference_mode():
    torch.manual_seed(0)
    ours, coder = unet.UNet().eval(), vae.Autoencoder().eval()
    tower = {k: torch.from_numpy(v) for k, v in text_tower.text_tower().items()}
    whole = {f"model.diffusion_model.{k}": v for k, v in ours.state_dict().items()}
    whole |= {f"first_stage_model.{k}": v for k, v in coder.state_dict().items()}
    save_file({k: v.contiguous() for k, v in (whole | tower).items()}, folder / "toy.safetensors")
    model, clip, autoencoder, _ = comfy.sd.load_checkpoint_guess_config(
        str(folder / "toy.safetensors"), embedding_directory=None
    )
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

    from pack.tipo_core.training.toy_sd import diffusion

    shares = diffusion.signal_shares()
    sampling = model.get_model_object("model_sampling")
    results["schedule"] = apart(((1 - shares) / shares).sqrt(), sampling.sigmas)
print(json.dumps(results))
