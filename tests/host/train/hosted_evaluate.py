"""DreamBooth Evaluate with small encoders of the host's own classes, beside numpy."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import comfy.clip_vision
import numpy as np
import torch

from nodes import CLIPVisionEncode
from tests.host.train.training_tools import load, picture_set

node = importlib.import_module("pack.nodes.train.evaluation.dreambooth_evaluate")
Evaluate = node.TipoDreamBoothEvaluate
inputs = importlib.import_module("pack.nodes.checked_inputs")
features = importlib.import_module("pack.nodes.train.evaluation.vision_features")
ordinary_layers = importlib.import_module("pack.devkit.server.dynamic_vram").ordinary_layers

_DINO = {
    "model_type": "dinov2", "hidden_size": 24, "num_attention_heads": 2, "num_hidden_layers": 2,
    "layer_norm_eps": 1e-6, "use_swiglu_ffn": False, "image_size": 518,
    "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
}  # fmt: skip
_CLIP = {
    "model_type": "clip_vision_model", "hidden_size": 32, "num_attention_heads": 2,
    "num_hidden_layers": 3, "intermediate_size": 48, "hidden_act": "quick_gelu", "image_size": 56,
    "num_channels": 3, "patch_size": 14, "projection_dim": 768, "layer_norm_eps": 1e-5,
}  # fmt: skip


def vision(config: dict[str, Any], seed: int) -> Any:
    """Return a CLIP_VISION of random weights, made by the host as from a file."""
    path = Path.cwd() / f"{config['model_type']}.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    with ordinary_layers():
        shapes = {
            name: one.shape
            for name, one in comfy.clip_vision.ClipVisionModel(str(path)).get_sd().items()
            if one.is_floating_point()
        }
    generator = torch.Generator().manual_seed(seed)
    state = {name: torch.randn(one, generator=generator) * 0.2 for name, one in shapes.items()}
    made = comfy.clip_vision.ClipVisionModel(str(path))
    made.load_sd(state)
    return made


def encoded(encoder: Any, pictures: list[torch.Tensor]) -> np.ndarray:
    """Return unit features (N, D) of pictures by core's own node."""
    rows = [
        CLIPVisionEncode().encode(encoder, one[None], "center")[0]["image_embeds"]
        for one in pictures
    ]
    found = torch.cat(rows).double().numpy()
    unit: np.ndarray = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def texts(clip: Any, prompts: list[str], weight: torch.Tensor) -> np.ndarray:
    found = [clip.encode_from_tokens(clip.tokenize(one), return_pooled=True)[1] for one in prompts]
    rows = (torch.cat(found).double() @ weight.double().T).numpy()
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def pictures(count: int, seed: int, height: int = 64, width: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    return torch.nn.functional.interpolate(coarse, (height, width)).movedim(1, -1)


def error(**values: Any) -> str:
    try:
        Evaluate.execute(**values)
    except ValueError as found:
        return str(found)
    return "no error"


def results(checkpoint: str) -> dict[str, Any]:
    model, clip, vae = load(checkpoint)
    del model, vae
    dino, clip_vision = vision(_DINO, 1), vision(_CLIP, 2)
    dataset = picture_set(3, "sks critter", "sks")
    real = [one.content for one in dataset.pictures]
    images = [pictures(2, 5), pictures(2, 6, 64, 96)]
    drawn = [one for batch in images for one in batch]
    of_class = pictures(3, 7)
    given: dict[str, Any] = {
        "dataset": [dataset], "images": images, "prompts": ["sks critter, crown\nsks critter"],
    }  # fmt: skip
    without = error(**given, clip_vision=[clip_vision], clip=[clip])
    weight = torch.randn(768, 768, generator=torch.Generator().manual_seed(3)) * 0.05
    layer = clip.cond_stage_model.clip_l.transformer.text_projection
    with torch.no_grad():
        layer.weight.copy_(weight.to(layer.weight))
    kept = layer.weight.detach().float().clone()
    answer = Evaluate.execute(
        **given, dino=[dino], clip_vision=[clip_vision], clip=[clip],
        class_images=[of_class[:1], of_class[1:]], class_before=[of_class[:2]],
    )  # fmt: skip
    scores, sheet, report = answer.args
    d_drawn, d_real = encoded(dino, drawn), encoded(dino, real)
    c_drawn, c_real = encoded(clip_vision, drawn), encoded(clip_vision, real)
    words = texts(clip, ["critter, crown", "critter"], kept)
    distances = 1 - d_drawn @ d_drawn.T
    only_clip = json.loads(Evaluate.execute(**given, clip_vision=[clip_vision]).args[0])
    return {
        "scores": json.loads(scores),
        "numpy": {
            "dino": float((d_drawn @ d_real.T).mean()),
            "clip_i": float((c_drawn @ c_real.T).mean()),
            "clip_t": float((c_drawn @ words.T)[[0, 1, 2, 3], [0, 0, 1, 1]].mean()),
            "prior": float((encoded(dino, list(of_class)) @ d_real.T).mean()),
            "before": float((encoded(dino, list(of_class[:2])) @ d_real.T).mean()),
            "pairs": float((distances[0, 1] + distances[2, 3]) / 2),
        },
        "report": report.splitlines(),
        "sheet": list(sheet.shape),
        "only clip": [sorted(only_clip), only_clip["diversity"]["vendi"]],
        "errors": {
            "projection": without,
            "encoders": error(**given),
            "prompts": error(**{**given, "prompts": ["a\nb\nc"]}, dino=[dino]),
            "halves": error(**given, clip_vision=[vision({**_CLIP, "projection_dim": 64}, 4)],
                            clip=[clip]),
        },
        "same": bool(torch.equal(layer.weight.detach().float(), kept)),
    }  # fmt: skip


with torch.inference_mode():
    print(json.dumps(results(sys.argv[1])))
