"""Model families inside ComfyUI's own Python: guesses, weights and tokens; prints JSON.

Run by test_families.py (see inside.py). The argument is a folder with families of the user.
"""

from __future__ import annotations

import importlib
import json
import random
import re
import sys
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import comfy.model_base
import comfy.model_detection
import comfy.model_patcher
import comfy.sd1_clip
import comfy.sdxl_clip
import comfy.supported_models
import comfy.text_encoders.flux
import comfy.text_encoders.sd3_clip
import folder_paths
import torch

from tests.host.encoding.small_clip import clip_of
from tests.host.image.small_model import SmallModel
from tests.host.raised import raised

nodes: Any = importlib.import_module("pack.nodes.text.model_family")
texts: Any = importlib.import_module("pack.tipo_core.prompt.families.family_prompt")
loading: Any = importlib.import_module("pack.tipo_core.prompt.families.family_loading")
files: Any = importlib.import_module("pack.tipo_core.prompt.families.family_files")
user_text: Any = importlib.import_module("pack.tipo_core.expansion.user_text")
ordinary_layers = importlib.import_module("pack.devkit.server.dynamic_vram").ordinary_layers
CPU = torch.device("cpu")
FAMILIES = {one.name: one for one in loading.load_families(files.family_files())[0]}
SD1 = clip_of("", comfy.sd1_clip.SD1ClipModel, comfy.sd1_clip.SD1Tokenizer)
SDXL = clip_of("", comfy.sdxl_clip.SDXLClipModel, comfy.sdxl_clip.SDXLTokenizer)
SD3 = clip_of(
    "", comfy.text_encoders.sd3_clip.SD3ClipModel, comfy.text_encoders.sd3_clip.SD3Tokenizer
)
FLUX = clip_of("", comfy.text_encoders.flux.FluxClipModel, comfy.text_encoders.flux.FluxTokenizer)
# A UNet of SD1.5's and of SDXL's form with one or two levels; its weights are random.
UNET = {
    "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 64,
    "use_spatial_transformer": True, "legacy": False, "use_checkpoint": False,
    "use_temporal_attention": False, "dtype": torch.float32, "num_res_blocks": [1, 1],
    "channel_mult": [1, 2], "transformer_depth": [0, 1], "transformer_depth_middle": 1,
    "transformer_depth_output": [0, 0, 1, 1], "num_heads": 4,
}  # fmt: skip
# Sizes from which newer configurations compute the memory they need.
SIZES = {"hidden_size": 64, "model_channels": 64}
UNET_SDXL = UNET | {
    "adm_in_channels": 2816, "num_classes": "sequential", "use_linear_in_transformer": True,
    "context_dim": 2048,
}  # fmt: skip


def graph(**inputs: Any) -> SimpleNamespace:
    """The hidden inputs of a node 9 that is linked to a loader with a file."""
    prompt = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x/ponyMix.ckpt"}},
        "2": {"class_type": "LoraLoader", "inputs": {"model": ["1", 0], "clip": ["1", 1]}},
        "9": {"class_type": "TipoFormat", "inputs": inputs},
    }
    return SimpleNamespace(prompt=prompt, unique_id="9")


NOTHING = SimpleNamespace(prompt=None, unique_id=None)


def shown(model: Any = None, clip: Any = None, hidden: Any = NOTHING) -> list[str]:
    """The family that `auto` finds, and the first line of its report."""
    found, lines = nodes.chosen_family("auto", lambda: nodes.graph_model(hidden, model, clip))
    return [found.name if found else "", lines[0]]


def patcher_of(config: Any) -> Any:
    """A loaded model of a configuration; the diffusion model itself has a few lines."""
    config.set_inference_dtype(torch.float32, torch.float32)
    flow = comfy.model_base.ModelType.FLOW
    model = comfy.model_base.BaseModel(config, flow, unet_model=SmallModel)
    return comfy.model_patcher.ModelPatcher(model, CPU, CPU)


def architectures() -> dict[str, Any]:
    """For each architecture of a preset: the class that detection gives, and the family."""
    found: dict[str, Any] = {}
    for family in FAMILIES.values():
        for name in family.architectures:
            wanted = getattr(comfy.supported_models, name, None)
            if wanted is None:
                found[name] = None
                continue
            unet = SIZES | dict(wanted.unet_config)
            config = comfy.model_detection.model_config_from_unet_config(unet, {})
            # Some architectures differ in weights alone, which detection reads as well.
            config = config if type(config) is wanted else wanted(unet)
            found[name] = shown(patcher_of(config))
    return found


def whole_models() -> dict[str, Any]:
    """Real UNets with random weights, as a checkpoint's loader makes them."""
    found = {}
    with torch.inference_mode(), ordinary_layers():
        for kind, unet in (
            (comfy.supported_models.SD15, UNET | {"context_dim": 768}),
            (comfy.supported_models.SDXL, UNET_SDXL),
        ):
            config = kind(unet)
            config.set_inference_dtype(torch.float32, None)
            model = comfy.model_patcher.ModelPatcher(config.get_model({}, device=CPU), CPU, CPU)
            linked = graph(model=["2", 0])
            found[kind.__name__] = [shown(model), shown(model.clone(), hidden=linked)]
    return found


def encoders() -> dict[str, Any]:
    clips = {"SD1": SD1, "SDXL": SDXL, "SD3": SD3, "FLUX": FLUX}
    found = {name: shown(clip=clip) for name, clip in clips.items()}
    found["linked"] = shown(clip=SDXL.clone(), hidden=graph(clip=["2", 1]))
    found["nothing"] = shown(hidden=graph(clip=["2", 1]))
    return found


TAGS = (
    *("1girl", "hatsune miku", "wlop", "smile", "(hat:1.3)", "((coat))", "(a, b:0.7)", "highres"),
    *("(dog (red:1.4):1.2)", "miku \\(append\\)", "long_hair", "k-on!", "masterpiece", "safe"),
    *(
        "it's (so) good",
        "[cat]",
        "a:b",
        "(unclosed",
        "closed)",
        "\\(x",
        ":)",
        "^_^",
        "1.5 m",
        "\u732b",
    ),
)


def weighted(tokenizer: Any, text: str) -> Counter[tuple[int, float]]:
    """Tokens and weights of ComfyUI's tokenizer, without those of commas and full stops."""
    left_out = {entry[0] for sign in ",." for entry in tokenizer.tokenize_with_weights(sign)[0]}
    chunks = tokenizer.tokenize_with_weights(text, return_word_ids=True)
    return Counter(
        (token, round(weight, 6))
        for chunk in chunks
        for token, weight, word in chunk
        if word and token not in left_out
    )


def same_weights() -> dict[str, Any]:
    """Prompts whose tokens and weights are not those of the user's text and the additions."""
    tokenizer = comfy.sd1_clip.SDTokenizer()
    drawn = random.Random(3)
    unlike, count, with_weights = [], 0, 0
    for _ in range(250):
        typed = ", ".join(drawn.choices(TAGS, k=drawn.randint(1, 8)))
        user = user_text.UserTags(typed)
        fields = user.template_fields(("rain", "night"), "", "It rains")
        for name in ("sd15", "sdxl", "illustrious", "noobai", "pony"):
            made = texts.family_prompt(FAMILIES[name], fields)
            # CLIP's tokenizer joins signs to the comma after them.
            expected = weighted(tokenizer, f"{user.text},")
            for addition in (*made.words, "rain", "night", "It rains"):
                expected += weighted(tokenizer, f"{addition},")
            count += 1
            with_weights += any(weight != 1 for _, weight in expected)
            if weighted(tokenizer, f"{made.prompt},") != expected:
                unlike.append([name, typed, made.prompt])
    return {"count": count, "with weights": with_weights, "unlike": unlike}


def counts() -> dict[str, Any]:
    """The tokens of texts, with a CLIP value and with ComfyUI's own tokenizers."""
    clips = {"sd15": SD1, "sdxl": SDXL, "sd3": SD3, "flux": FLUX}
    text = "a red cat, " * 30
    found: dict[str, Any] = {}
    for name, family in FAMILIES.items():
        start = time.perf_counter()
        own = nodes.token_counts(family, None, text, "a red cat")
        seconds = time.perf_counter() - start
        clip = clips.get(name)
        linked = nodes.token_counts(family, clip, text, "a red cat") if clip else own
        found[name] = {"own": own, "linked": linked, "seconds": seconds}
    found["long"] = nodes.token_counts(FAMILIES["sd15"], SD1, "x" * (nodes.MAX_COUNTED + 1), "")
    found["deep"] = nodes.token_counts(FAMILIES["sd15"], SD1, "(" * 5000 + "a" + ")" * 5000, "")
    return found


def readings() -> dict[str, Any]:
    """What the encoder of Qwen-Image reads of a weight, before and after the family's reading."""
    from comfy.text_encoders.qwen_image import QwenImageTokenizer

    tokenizer = QwenImageTokenizer()
    typed = "(blue eyes:1.3), miku \\(append\\)"
    made = texts.family_prompt(
        FAMILIES["qwen-image"], user_text.UserTags(typed).template_fields((), "", "")
    )
    decoder = tokenizer.qwen25_7b.tokenizer

    def read(text: str) -> str:
        (tokens,) = tokenizer.tokenize_with_weights(text).values()
        whole = decoder.decode([entry[0] for entry in tokens[0]])
        return re.search(r"user\n(.*?)<\|im_end\|>", whole, re.DOTALL).group(1)  # type: ignore[union-attr]

    return {"typed": read(typed), "made": read(made.prompt)}


def own_files(folder: str) -> dict[str, Any]:
    """Families of the user's folder: the menu, the choice, a broken file, the fingerprint."""
    folder_paths.folder_names_and_paths[nodes.FOLDER] = ([folder], {".json"})

    def choose(name: str) -> Any:
        return nodes.chosen_family(name, lambda: nodes.graph_model(NOTHING, None, SD1))

    found, lines = choose("auto")
    return {
        "menu": nodes.family_choices(),
        "mine": choose("mine")[1],
        "auto": [found.label, lines],
        "broken": raised(lambda: choose("broken")),
        "unknown": raised(lambda: choose("../mine")),
        "none": choose("none")[1],
        "fingerprints": [nodes.families_fingerprint(name) for name in ("none", "auto", "mine")],
    }


print(
    json.dumps(
        {
            "architectures": architectures(),
            "whole models": whole_models(),
            "encoders": encoders(),
            "weights": same_weights(),
            "counts": counts(),
            "readings": readings(),
            "own files": own_files(sys.argv[1]),
        }
    )
)
