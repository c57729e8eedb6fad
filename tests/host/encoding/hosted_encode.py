"""Prompts encoded by the pack and by core nodes inside ComfyUI's own Python; prints JSON.

Run by test_encoding.py (see inside.py) with a folder of embeddings as its argument.
The text models are those of SD1.x, SDXL and Flux with few and narrow layers and random weights.
The weight formulas are written once more here, token by token in numpy.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import comfy.sd1_clip
import comfy.sdxl_clip
import comfy.text_encoders.flux
import numpy as np
import torch
from comfy_extras.nodes_clip_sdxl import CLIPTextEncodeSDXL

import nodes
from tests.host.encoding.small_clip import clip_of

embeddings = sys.argv[1]
encode = importlib.import_module("pack.nodes.image.prompt_encoding")

SIZE = dict(width=832, height=1216, crop_w=8, crop_h=16, target_width=512, target_height=768)
LONG = "scenery, lighthouse, evening light over the sea, " * 9
MASK = 266
WEIGHTED = "a (red cat:1.3) on (the roof of a house:0.4), night"
WEIGHTS = {
    "up and down": WEIGHTED,
    "all up": "(one:1.5) and (two words:1.2)",
    "all down": "(one:0.5) and (two words:0.8), (three:0.5)",
    "negative": "(one:-0.5) and (two:1.1)",
    "long": f"(first:1.4), {LONG}, (last words:0.7)",
    "embedding": "a (embedding:two:1.4) thing and embedding:two, (x:0.6)",
    "break": "(red:1.4) cat BREAK (blue:0.6) dog",
}


SD1 = clip_of(embeddings, comfy.sd1_clip.SD1ClipModel, comfy.sd1_clip.SD1Tokenizer)
SDXL = clip_of(embeddings, comfy.sdxl_clip.SDXLClipModel, comfy.sdxl_clip.SDXLTokenizer)
FLUX = clip_of(
    embeddings, comfy.text_encoders.flux.flux_clip(), comfy.text_encoders.flux.FluxTokenizer
)


def ours(clip: Any, text: str, text_g: str = "", text_t5: str = "", **settings: Any) -> Any:
    """Return the pack's conditioning and report."""
    size = settings.pop("size", None)
    texts = encode.Texts(text, text_g, text_t5)
    return encode.encode(clip, texts, encode.Settings(**settings), size)


def difference(one: Any, other: Any, time: float = 2e-3) -> float | None:
    """Return the largest difference of two conditionings; None where they differ in form.

    Their times may differ by `time`: the borders of steps lie between two steps. The schedule that
    our entries carry for TipoSampler is left out.
    """
    if len(one) != len(other):
        return None
    worst = 0.0
    for (cond, ours), (expected, expected_options) in zip(one, other, strict=True):
        options = {key: value for key, value in ours.items() if key != "tipo_schedule"}
        if cond.shape != expected.shape or options.keys() != expected_options.keys():
            return None
        worst = max(worst, float((cond - expected).abs().max()))
        for key, value in options.items():
            if torch.is_tensor(value):
                worst = max(worst, float((value - expected_options[key]).abs().max()))
            elif value is not None and abs(value - expected_options[key]) > time:
                return None
    return worst


# The formulas once more ---------------------------------------------------------------------------

Chunks = list[list[tuple[Any, float, int]]]
encoded_before: dict[Any, np.ndarray] = {}


def plain_normalized(chunks: Chunks, how: str) -> list[float]:
    """Return the weight of each token of all chunks."""
    flat = [entry for chunk in chunks for entry in chunk]
    weights = [float(weight) for _, weight, _ in flat]
    if "length" in how:
        for place, (_, weight, word) in enumerate(flat):
            if word != 0:
                n = len([1 for _, _, other in flat if other == word])
                change = np.sqrt((weight - 1) ** 2 / n)
                weights[place] = 1 + change if weight > 1 else 1 - change
    if "mean" in how:
        words = [place for place, (_, _, word) in enumerate(flat) if word != 0]
        delta = 1 - np.mean([weights[place] for place in words])
        for place in words:
            weights[place] += delta
    return weights


def plain_embedding(encoder: Any, chunks: Chunks, interpretation: str, how: str) -> np.ndarray:
    """Return the embedding (tokens, D) of all chunks, one prompt and one token at a time."""
    flat = [entry for chunk in chunks for entry in chunk]
    weights = plain_normalized(chunks, how)
    size = len(chunks[0])

    def embed_chunk(tokens: list[Any]) -> np.ndarray:
        key = id(encoder), *(t if isinstance(t, int) else tuple(t.tolist()) for t in tokens)
        if key not in encoded_before:
            encoded_before[key] = encoder.encode([tokens])[0][0].double().numpy()
        return encoded_before[key]

    def embed(tokens: list[Any]) -> np.ndarray:
        starts = range(0, len(tokens), size)
        return np.concatenate([embed_chunk(tokens[start : start + size]) for start in starts])

    def without(left_out: list[int]) -> np.ndarray:
        return embed([MASK if place in left_out else t for place, (t, _, _) in enumerate(flat)])

    base = without([])
    empty = embed_chunk([49406, 49407] + [encoder.special_tokens["pad"]] * (size - 2))
    nothing = np.concatenate([empty] * len(chunks))

    def lerped(whole: np.ndarray, only_up: bool, left_out: list[int]) -> np.ndarray:
        result = whole.copy()
        for place, weight in enumerate(weights):
            if place not in left_out and (weight > 1 or not only_up):
                result[place] = nothing[place] + weight * (whole[place] - nothing[place])
        return result

    def mixed(of_weights: list[float], only_up: bool | None) -> np.ndarray:
        """0.2 A + 0.3 B + 0.5 C for the weights 0.2 and 0.5."""
        result: Any = 0.0
        done = 0.0
        left_out: list[int] = []
        for level in [*sorted({weight for weight in of_weights if weight < 1}), 1.0]:
            whole = without(left_out)
            if only_up:
                whole = lerped(whole, True, left_out)
            result = result + (level - done) * whole
            done = level
            left_out = [place for place, weight in enumerate(of_weights) if weight <= level]
        return np.asarray(result)

    if interpretation == "comfy":
        return lerped(base, False, [])
    if interpretation == "A1111":
        result = base * np.array(weights)[:, None]
        for start in range(0, len(flat), size):
            chunk = slice(start, start + size)
            result[chunk] *= base[chunk].mean() / result[chunk].mean()
        return result
    if interpretation == "compel":
        return mixed(weights, True)
    if interpretation == "down_weight":
        top = max(weights)
        return mixed([w / top if e[2] else 1.0 for w, e in zip(weights, flat, strict=True)], None)
    assert interpretation == "comfy++"
    result = mixed(weights, None)
    for word in sorted({word for _, _, word in flat if word}):
        places = [place for place, entry in enumerate(flat) if entry[2] == word]
        if weights[places[0]] > 1:
            masked = without(places)
            for place in places:
                result[place] += (weights[place] - 1) * (base[place] - masked[place])
    return result


def tokens_of(clip: Any, text: str) -> dict[str, Chunks]:
    """Return core's tokens; those of a BREAK's parts in sequence, with separate word ids."""
    found: dict[str, Chunks] = {}
    for number, part in enumerate(text.split("BREAK")):
        for key, chunks in clip.tokenize(part.strip(), return_word_ids=True).items():
            shifted = [[(t, w, i + 1000 * number if i else 0) for t, w, i in c] for c in chunks]
            found.setdefault(key, []).extend(shifted)
    return found


def weight_errors(clip: Any, encoders: dict[str, Any], names: Sequence[str]) -> dict[str, float]:
    """Return the largest difference from the formulas, for each text and pair of options."""
    clip.encode_from_tokens(clip.tokenize(""))  # as a first encode leaves it: loaded, own layers
    found = {}
    for name in names:
        text = WEIGHTS[name]
        tokens = tokens_of(clip, text)
        for interpretation in ("comfy", "comfy++", "A1111", "compel", "down_weight"):
            for how in ("none", "mean", "length", "length+mean"):
                options = {"weight_interpretation": interpretation, "token_normalization": how}
                conditioning, _ = ours(clip, text, syntax="ComfyUI", **options)
                expected = np.concatenate(
                    [
                        plain_embedding(e, tokens[k], interpretation, how)
                        for k, e in encoders.items()
                    ],
                    axis=-1,
                )
                got = conditioning[0][0][0].numpy()
                error = np.abs(got - expected).max() / np.abs(expected).std()
                found[f"{name}: {interpretation}, {how}"] = float(error)
    return found


def pooled_differences(clip: Any) -> dict[str, float]:
    """Return how far the pooled output is from that of the words without weights."""
    plain = nodes.CLIPTextEncode().encode(clip, "a red cat on the roof of a house, night")[0]
    found = {}
    for interpretation in ("comfy++", "A1111", "compel", "down_weight"):
        conditioning, _ = ours(clip, WEIGHTED, weight_interpretation=interpretation)
        pooled = conditioning[0][1]["pooled_output"] - plain[0][1]["pooled_output"]
        found[interpretation] = float(pooled.abs().max())
    return found


def core(clip: Any, text: str) -> Any:
    """Return the conditioning of core's CLIPTextEncode."""
    return nodes.CLIPTextEncode().encode(clip, text)[0]


def timed(conditioning: Any, start: float, end: float) -> Any:
    """Return a conditioning after core's ConditioningSetTimestepRange."""
    return nodes.ConditioningSetTimestepRange().set_range(conditioning, start, end)[0]


def as_core() -> dict[str, float | None]:
    """Return differences from core's own nodes, which must be 0."""
    sdxl = CLIPTextEncodeSDXL.execute(
        clip=SDXL, text_l="1girl, cat ears", text_g=f"A girl with cat ears. {LONG}", **SIZE
    ).args[0]
    a, b, none = (core(SD1, text) for text in ("a cat", "a dog", ""))
    half = [*timed(a, 0, 0.5), *timed(b, 0.5, 1)]
    turns = [(a, 0, 0.25), (a, 0.5, 0.75), (b, 0.25, 0.5), (b, 0.75, 1)]
    alternating = [entry for cond, *times in turns for entry in timed(cond, *times)]
    strength = nodes.ConditioningSetAreaStrength().append(b, 0.5)[0]
    parts = [core(SD1, text)[0][0] for text in ("(red:1.3) cat", "(blue:1.3) dog, blue")]
    joined = [[torch.cat(parts, dim=1), core(SD1, "(red:1.3) cat")[0][1]]]
    found = {
        f"{name}: {text[:20]}": difference(ours(clip, text)[0], core(clip, text))
        for name, clip in (("SD1", SD1), ("SDXL", SDXL), ("Flux", FLUX))
        for text in ("", "1girl", WEIGHTED, LONG, "a [b] {c} [d:e] \\(f\\) g:h, 2|3")
    }
    off: dict[str, Any] = {"prompt_syntax": False}
    before = core(SDXL, WEIGHTED)
    return found | {
        "Flux weights": difference(
            ours(FLUX, WEIGHTED, weight_interpretation="A1111", token_normalization="mean")[0],
            core(FLUX, WEIGHTED),
        ),
        "SDXL texts": difference(
            ours(
                SDXL,
                "1girl, cat ears",
                f"A girl with cat ears. {LONG}",
                size=encode.SdxlSize(**SIZE),
            )[0],
            sdxl,
        ),
        "when": difference(ours(SD1, "a [cat:dog:0.5]")[0], half),
        "when, step": difference(ours(SD1, "a [cat:dog:5]", schedule_steps=10)[0], half, 0.06),
        "until": difference(
            ours(SD1, "[a cat::0.25]")[0], [*timed(a, 0, 0.25), *timed(none, 0.25, 1)]
        ),
        "alternation": difference(ours(SD1, "a [cat|dog]", schedule_steps=4)[0], alternating, 0.13),
        "AND": difference(ours(SD1, "a cat AND a dog :0.5")[0], [*a, *strength]),
        "BREAK": difference(ours(SD1, "(red:1.3) cat BREAK (blue:1.3) dog, blue")[0], joined),
        "nested BREAK": difference(
            ours(SD1, "(red (big BREAK small:0.7) dog:1.3)")[0],
            [
                [
                    torch.cat(
                        [
                            core(SD1, "(red:1.3) (big:0.7)")[0][0],
                            core(SD1, "(small:0.7)(dog:1.3)")[0][0],
                        ],
                        dim=1,
                    ),
                    core(SD1, "(red:1.3) (big:0.7)")[0][1],
                ]
            ],
        ),
        "off": difference(
            ours(SD1, "a [b|c] AND d BREAK e", **off)[0], core(SD1, "a [b|c] AND d BREAK e")
        ),
        "unweighted A1111": difference(
            ours(SDXL, "a cat", weight_interpretation="A1111")[0], core(SDXL, "a cat")
        ),
        "skip and weights": difference(
            ours(SDXL, "a cat", clip_skip=2, weight_interpretation="comfy++")[0],
            core(SDXL, "a cat"),
        ),
        "untouched": difference(core(SDXL, WEIGHTED), before),
    }


def said(run: Callable[[], Any]) -> str:
    """Return the text of the error that `run` raises."""
    try:
        run()
    except ValueError as error:
        return str(error)
    return ""


def reports() -> dict[str, str]:
    """Return reports, and the errors of invalid prompts."""
    words = [
        "sea and sky, " * 15 + "one two three four five six seven eight nine ten eleven twelve",
        "a tiny red house on a hill, seen from the old pier",
    ]
    return {
        "border": ours(SD1, ", ".join(words))[1],
        "break": ours(SD1, "a red cat BREAK a blue dog")[1],
        "texts": ours(
            SDXL, "1girl", "A girl.", "x", size=encode.SdxlSize(**SIZE), token_normalization="mean"
        )[1],
        "times": ours(SD1, "a [cat:dog:0.5] AND [x|y] :0.5", schedule_steps=20)[1],
        "flux": ours(
            FLUX,
            "1girl",
            "G",
            "A girl. BREAK",
            size=encode.SdxlSize(**SIZE),
            clip_skip=2,
            weight_interpretation="compel",
        )[1],
        "embeddings": ours(SDXL, "a embedding:two, embedding:none, a,embedding:two")[1],
        "glued": ours(SD1, "a,embedding:two")[1],
        "AND": said(lambda: ours(SDXL, "a AND b AND c", "d AND e")),
        "weight": said(lambda: ours(SD1, "a AND b :-1")),
        "many": said(
            lambda: ours(SD1, "[a|b|c] [d|e|f|g] [h|i|j|k|l] [m|n|o|p|q|r|s]", schedule_steps=420)
        ),
    }


print(
    json.dumps(
        {
            "core": as_core(),
            "SD1": weight_errors(SD1, {"l": SD1.cond_stage_model.clip_l}, list(WEIGHTS)),
            "SDXL": weight_errors(
                SDXL,
                {"l": SDXL.cond_stage_model.clip_l, "g": SDXL.cond_stage_model.clip_g},
                ["up and down", "break"],
            ),
            "pooled": pooled_differences(SDXL),
            "reports": reports(),
        }
    )
)
