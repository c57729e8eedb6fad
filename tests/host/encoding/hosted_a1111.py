"""A1111's syntax, guards of weights and embeddings inside ComfyUI's own Python; prints JSON.

Run by test_a1111_syntax.py (see inside.py) with a folder of embeddings as its argument.
"""

from __future__ import annotations

import importlib
import json
import random
import re
import sys
from itertools import product
from pathlib import Path
from typing import Any

import comfy.sd1_clip
import comfy.sdxl_clip
import comfy.text_encoders.flux
import comfy.text_encoders.sd2_clip
import numpy as np
import torch
from transformers import CLIPTokenizer

import nodes
from tests.host.encoding.small_clip import clip_of
from tests.unit.pictures.text import a1111_rules

embeddings = sys.argv[1]
encode = importlib.import_module("pack.nodes.image.prompt_encoding")
prompt_tokens = importlib.import_module("pack.nodes.image.encoding.prompt_tokens")
clip_tokens = importlib.import_module("pack.nodes.image.encoding.clip_tokens")

SD1 = clip_of(embeddings, comfy.sd1_clip.SD1ClipModel, comfy.sd1_clip.SD1Tokenizer)
CENTRED = clip_of(
    embeddings, comfy.sd1_clip.SD1ClipModel, comfy.sd1_clip.SD1Tokenizer, is_centred=True
)
SDXL = clip_of(embeddings, comfy.sdxl_clip.SDXLClipModel, comfy.sdxl_clip.SDXLTokenizer)
SD2 = clip_of(
    embeddings, comfy.text_encoders.sd2_clip.SD2ClipModel, comfy.text_encoders.sd2_clip.SD2Tokenizer
)
FLUX = clip_of(
    embeddings, comfy.text_encoders.flux.flux_clip(), comfy.text_encoders.flux.FluxTokenizer
)
TOKENIZER = CLIPTokenizer.from_pretrained(
    str(Path(comfy.sd1_clip.__file__).parent / "sd1_tokenizer")
)
COMMA = 267
INTERPRETATIONS = ("comfy", "comfy++", "A1111", "compel", "down_weight")
OPTIONS = [
    {"weight_interpretation": interpretation, "token_normalization": how}
    for interpretation, how in product(INTERPRETATIONS, ("none", "mean", "length", "length+mean"))
]


def ours(clip: Any, text: str, text_g: str = "", **settings: Any) -> tuple[torch.Tensor, str]:
    """Return the pack's conditioning and report."""
    conditioning, report = encode.encode(
        clip, encode.Texts(text, text_g), encode.Settings(**settings)
    )
    return conditioning[0][0], report


def core(clip: Any, text: str) -> torch.Tensor:
    """Return the conditioning of core's CLIPTextEncode."""
    found: torch.Tensor = nodes.CLIPTextEncode().encode(clip, text)[0][0][0]
    return found


def our_tokens(clip: Any, text: str, *, is_a1111: bool = True) -> dict[str, Any]:
    """Return the pack's tokens of CLIP's encoders."""
    widths = clip_tokens.vector_widths(clip)
    tokenizer = prompt_tokens.PromptTokenizer(clip, widths, is_a1111=is_a1111, has_breaks=True)
    found: dict[str, Any] = tokenizer.tokens(text, text, text).of_clip
    return found


def ids(text: str) -> list[int]:
    """Return CLIP's tokens of a text, without start and end."""
    found: list[int] = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    return found


def framed(chunk: list[tuple[int, float]], pad: int) -> list[tuple[int, float]]:
    """Return a chunk with start, end and padding, as CLIP reads it."""
    rest = [(49407, 1.0)] + [(pad, 1.0)] * (75 - len(chunk))
    return [(49406, 1.0), *chunk, *rest]


def unlike_a1111(count: int) -> dict[str, Any]:
    """Return prompts whose tokens or weights differ from the second implementation's."""
    source = random.Random(3)
    pads = {"l": 49407, "g": 0, "h": 0}
    unlike = []
    several = compared = 0
    while compared < count:
        text = a1111_rules.random_prompt(source, source.choice([8, 40, 250]))
        text = re.sub(r"<\w+:[^>]+>", "", text)  # as A1111 removes LoRAs
        try:
            texts = a1111_rules.weights(text)
        except ValueError:
            continue
        compared += 1
        chunks = a1111_rules.chunks(texts, ids, COMMA)
        several += len(chunks) > 1
        for clip in (SDXL, SD2) if compared % 2 else (SD1,):
            for key, found in our_tokens(clip, text).items():
                pairs = [[(token, weight) for token, weight, _ in chunk] for chunk in found]
                if pairs != [framed(chunk, pads[key]) for chunk in chunks]:
                    unlike.append([key, text])
    return {"compared": compared, "several chunks": several, "unlike": unlike[:3]}


def plain_a1111(text: str) -> np.ndarray:
    """Return A1111's conditioning for SD1: each chunk's vectors times weights, mean restored."""
    found = []
    for chunk in a1111_rules.chunks(a1111_rules.weights(text), ids, COMMA):
        pairs = framed(chunk, 49407)
        z = SD1.cond_stage_model.clip_l.encode([[token for token, _ in pairs]])[0][0]
        z = z.double().numpy()
        weighted = z * np.array([weight for _, weight in pairs])[:, None]
        found.append(weighted * (z.mean() / weighted.mean()))
    return np.concatenate(found)


def a1111_errors() -> dict[str, float]:
    """Return the largest differences from A1111's conditioning, in standard deviations."""
    core(SD1, "")  # as a first encode leaves it: loaded, own layers
    texts = [
        "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
        "a red cat, (b (c:1.2):1.3), [d], (unclosed e",
        f"(masterpiece), {'scenery, light house over the sea, ' * 9} (end:0.7)",
        "((red)) cat BREAK [blue] dog BREAK BREAK (e",
        r"a \(b\), (c:-0.5), (d:0)",
    ]
    found = {}
    for text in texts:
        expected = plain_a1111(text)
        got = ours(SD1, text, weight_interpretation="A1111")[0][0].numpy()
        same = got.shape == expected.shape
        error = np.abs(got - expected).max() / expected.std() if same else np.inf
        found[text[:20]] = float(error)
    return found


def not_bit_equal() -> list[str]:
    """Return the combinations in which weights of 1 differ from core's encoding."""
    texts = ["", "a cat", "(a red cat:1.0), dog", "a, " * 90, "embedding:two, x"]
    found = []
    for (name, clip), text in product(
        {"SD1": SD1, "centred": CENTRED, "SDXL": SDXL, "SD2": SD2}.items(), texts
    ):
        expected = core(clip, text)
        for options in OPTIONS:
            if not torch.equal(ours(clip, text, **options, syntax="ComfyUI")[0], expected):
                found.append(f"{name} {text[:9]} {options}")
    return found


def not_finite() -> list[str]:
    """Return the combinations in which weights give NaN or infinite values."""
    texts = [
        "(a:1.3) cat", "(a:0)", "(a:-1) (b:-2)", "(a:inf) (b:nan), c", "(a:1e39)", "(a:-9e9)",
        "(" * 400 + "a" + ")" * 400, "[" * 99 + "a", "(a:0) BREAK (b:0)", "(embedding:zero:1.5)",
    ]  # fmt: skip
    found = []
    for (name, clip), text in product({"SD1": SD1, "centred": CENTRED}.items(), texts):
        for options, syntax in product(OPTIONS, ("ComfyUI", "A1111")):
            if syntax == "ComfyUI" and len(text) > 400:
                continue
            if not torch.isfinite(ours(clip, text, **options, syntax=syntax)[0]).all():
                found.append(f"{name} {text[:9]} {options} {syntax}")
    return found


def same(clip: Any, text: str, other: str) -> list[bool]:
    """Return whether ours of `text` is core's of `other`, and is not core's of `text`."""
    found = ours(clip, text)[0]
    return [torch.equal(found, core(clip, other)), not torch.equal(found, core(clip, text))]


def embedding_results() -> dict[str, Any]:
    """Return how embeddings are read in both syntaxes."""
    vectors = {
        name: [
            (token.shape[-1], weight) if torch.is_tensor(token) else token
            for token, weight, word in our_tokens(SD1, text, is_a1111=is_a1111)["l"][0]
            if word
        ]
        for name, text, is_a1111 in (
            ("bare", "a two (three:1.2), sub", True),
            ("bare in ComfyUI", "a two", False),
            ("in brackets", "[embedding:two] (embedding:deep:1.3)", True),
            ("name in a name", "twos", True),
            ("does not fit", "narrow", True),
        )
    }
    cat, a, comma = (ids(text)[0] for text in ("cat", "a", ","))
    return vectors | {
        "tokens": {"cat": cat, "a": a, ",": comma, "twos": ids("twos")},
        "narrow": ids("narrow"),
        "glued": same(SD1, "embedding:two,embedding:three", "embedding:two, embedding:three"),
        "glued weights": same(
            SD1,
            "(embedding:two:1.3),(embedding:three,cat:0.7)",
            "(embedding:two:1.3) , (embedding:three , cat:0.7)",
        ),
        "words after": same(SD1, "embedding:two;cat", "embedding:two ; cat"),
        "word before": same(SD1, "cat,embedding:two", "cat, embedding:two"),
        "missing": same(SD1, "embedding:none,cat", " , cat"),
        "glued SDXL": same(SDXL, "embedding:two,embedding:three", "embedding:two, embedding:three"),
        "T5": same(FLUX, "a,embedding:two", "a, embedding:two")[0],
        "no name": torch.equal(ours(SD1, "a embedding:")[0], core(SD1, "a")),
        "outside": "not found" in ours(SD1, "embedding:../outside, a")[1],
    }


def said(text: str, **settings: Any) -> str:
    """Return the report, or the error."""
    try:
        return ours(settings.pop("clip", SD1), text, **settings)[1]
    except ValueError as error:
        return str(error)


A1111_OPTIONS: dict[str, Any] = {"weight_interpretation": "A1111"}
REPORTS = {
    "mean": said("(a:1.3) cat BREAK b BREAK (c:0.8)", clip=CENTRED, **A1111_OPTIONS),
    "has mean": said("(a:1.3) cat", **A1111_OPTIONS),
    "words": said("cat:1.2, <lora:x:1> [b] (c", syntax="ComfyUI"),
    "words A1111": said("cat:1.2, <lora:x:1> [b] c) (d BREAK e)", syntax="A1111"),
    "unfit": said("narrow, embedding:none, Embedding:two", clip=SDXL, syntax="A1111"),
    "unfit ComfyUI": said("narrow, embedding:none, Embedding:two"),
    "infinite": said("(a:inf) cat"),
    "damaged": said("embedding:bad"),
    "damaged A1111": said("a bad cat", syntax="A1111"),
    "flux": said("(a) cat", clip=FLUX, syntax="A1111"),
    "flux auto": said("(a) cat", clip=FLUX, **A1111_OPTIONS),
    "unknown": said("a", syntax="NovelAI"),
    "deep": said("(" * 3000 + "a" + ")" * 3000, syntax="ComfyUI"),
    "schedule": said(r"[(a:1.2):\[b\]:0.5] \(c\)", syntax="A1111"),
}
centred = ours(CENTRED, "(a:1.3) cat", **A1111_OPTIONS)[0] / core(CENTRED, "a cat")
print(
    json.dumps(
        {
            "tokens": unlike_a1111(1_000),
            "conditioning": a1111_errors(),
            "not bit-equal": not_bit_equal(),
            "not finite": not_finite(),
            "centred scales": centred[0, :4].median(dim=-1).values.tolist(),
            "auto": [
                torch.equal(
                    ours(SD1, "((a)) [b]", **A1111_OPTIONS)[0],
                    ours(SD1, "((a)) [b]", **A1111_OPTIONS, syntax=syntax)[0],
                )
                for syntax in ("A1111", "ComfyUI")
            ],
            "embeddings": embedding_results(),
            "reports": REPORTS,
        }
    )
)
