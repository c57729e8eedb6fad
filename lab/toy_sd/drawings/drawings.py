"""Drawings with prompts: a scene, its tags, its caption, and its picture, all from one seed.

Pictures need `dicebear-core`, `dicebear-styles` and `resvg-py`, which the development environment
has; scenes and prompts need no package.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from .styles import FILES, NO_ARTICLE, STYLES, Style

# One pair of crossed choices in eight is held out. The salt of the hash is chosen so that each
# style has held-out pairs, and no choice loses more than four in ten of its partners.
HELD_OUT_SHARE = 8
_HELD_OUT_SALT = 37

# Tags of many prompts that say nothing about these drawings; the model learns to ignore them.
FILLERS = (
    "scenery", "space", "no humans", "outdoors", "simple background", "flat color", "masterpiece",
    "best quality", "highres", "absurdres", "very detailed", "illustration", "cartoon",
)  # fmt: skip
# The usual negative prompt; the model learns it as an empty prompt.
NEGATIVE = (
    "lowres, worst quality, low quality, bad anatomy, bad hands, jpeg artifacts, watermark, nsfw"
)
# The largest opacity of transparent shapes that `_make_bolder` sets.
_BOLDEST = 0.6
# Shares of prompts: a caption alone, tags and a caption; share of tag lists with fillers.
_CAPTIONS, _BOTH, _FILLED = 0.25, 0.35, 0.4
_NO_LOOKS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Scene:
    """The words for all parts of a style, and the seed of everything without words."""

    style: str
    attributes: Mapping[str, str]
    seed: int


@dataclass(frozen=True)
class Prompt:
    """A prompt for a scene, and the parts that it names: only these are checked in a picture."""

    text: str
    named: tuple[str, ...]


@dataclass(frozen=True)
class Drawing:
    """A scene with its two prompts and its picture: `H, W, 3` in uint8."""

    scene: Scene
    tags: Prompt
    caption: Prompt
    picture: np.ndarray


def held_out(style: Style, attributes: Mapping[str, str]) -> bool:
    """Return whether this pair of the style's crossed parts is held out for the test."""
    words = (str(_HELD_OUT_SALT), style.name, *(attributes[name] for name in style.crossed))
    return hashlib.sha256("/".join(words).encode()).digest()[0] % HELD_OUT_SHARE == 0


def scene(seed: int, styles: Sequence[str] = tuple(STYLES), test: bool = False) -> Scene:
    """Return the scene of a seed, of the trained pairs or, with `test`, of the held-out pairs."""
    rng = random.Random(f"toy-sd scene {seed}")
    style = STYLES[rng.choice(list(styles))]
    while True:
        attributes = {part.name: rng.choice(list(part.choices)) for part in style.parts}
        if held_out(style, attributes) == test:
            return Scene(style.name, attributes, rng.getrandbits(31))


def _named(style: Style, rng: random.Random, all_parts: bool) -> tuple[str, ...]:
    """Return some parts in random order: all of them in half of the prompts."""
    names = [part.name for part in style.parts]
    count = len(names) if all_parts or rng.random() < 0.5 else rng.randint(1, len(names))
    return tuple(rng.sample(names, count))


def tag_prompt(of: Scene, seed: int = 0, all_parts: bool = False) -> Prompt:
    """Return tags for a scene, the style first; each seed names other parts in another order."""
    style = STYLES[of.style]
    rng = random.Random(f"toy-sd tags {of.seed} {seed}")
    named = _named(style, rng, all_parts)
    tags = [style.part(name).tag.format(of.attributes[name]) for name in named]
    return Prompt(", ".join((style.name, *tags)), named)


def caption_prompt(of: Scene, seed: int = 0, all_parts: bool = False) -> Prompt:
    """Return one sentence about a scene, such as "a red planet with a wide ring and one moon"."""
    style = STYLES[of.style]
    rng = random.Random(f"toy-sd caption {of.seed} {seed}")
    named = _named(style, rng, all_parts)
    parts = [(style.part(name), of.attributes[name]) for name in named]
    before = [part.phrase.format(word) for part, word in parts if part.before]
    after = [phrase_with_article(part.phrase, word) for part, word in parts if not part.before]
    noun = " ".join((*before, style.name))
    text = f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    if after:
        *most, last = after
        text += " with " + (f"{', '.join(most)} and {last}" if most else last)
    return Prompt(text, named)


def mixed_prompt(of: Scene, seed: int = 0) -> Prompt:
    """Return a prompt as people and TIPO Expand write them: tags, a caption, or both.

    Some contain tags that say nothing about the drawing.
    """
    rng = random.Random(f"toy-sd prompt {of.seed} {seed}")
    kind = rng.random()
    tags, caption = tag_prompt(of, seed), caption_prompt(of, seed)
    if kind < _CAPTIONS:
        return caption
    if rng.random() < _FILLED:
        words = tags.text.split(", ")
        for word in rng.sample(FILLERS, rng.randint(1, 3)):
            words.insert(rng.randint(1, len(words)), word)
        tags = Prompt(", ".join(words), tags.named)
    if kind < _CAPTIONS + _BOTH:
        named = dict.fromkeys((*tags.named, *caption.named))
        return Prompt(f"{tags.text}\n\n{caption.text}.", tuple(named))
    return tags


def phrase_with_article(phrase: str, word: str) -> str:
    """Return a phrase with its word and the right article."""
    counted = word.startswith(("no ", "one ")) or word.endswith((" eyes", " moons"))
    if counted or word in NO_ARTICLE:
        return word
    text = phrase.format(word)
    return "an " + text[2:] if text.startswith("a ") and text[2] in "aeiou" else text


def picture(of: Scene, side: int, looks: Mapping[str, Any] = _NO_LOOKS) -> np.ndarray:
    """Return the picture of a scene, `side, side, 3` in uint8.

    `looks` are options of `dicebear-core` for what no word of a prompt says.
    Raises ImportError, which names the packages to install.
    """
    try:
        import resvg_py
        from dicebear import Avatar
    except ImportError as error:
        raise ImportError(
            f"toy-sd's drawings need the package of {error.name!r}: "
            "pip install dicebear-core dicebear-styles resvg-py"
        ) from error
    style = STYLES[of.style]
    options: dict[str, Any] = {
        "seed": str(of.seed), "size": side, "animationVariant": "none", **style.fixed,
    }  # fmt: skip
    for part in style.parts:
        options.update(part.choices[of.attributes[part.name]])
    options.update(looks)
    svg = Avatar(_definition(of.style), options).to_string()
    png = resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side, skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"))


@lru_cache
def _definition(style: str) -> Any:
    """Return a style as dicebear-core reads it; cached, because parsing is slower than drawing."""
    from dicebear import Style as Definition

    path = files("dicebear_styles").joinpath(f"{FILES[style]}.json")
    definition = json.loads(path.read_text("utf-8"))
    for component in STYLES[style].bolder:
        _make_bolder(definition["components"][component])
    return Definition(definition)


def _make_bolder(node: Any) -> None:
    """Multiply the opacity of transparent shapes, and the width of lines, by three."""
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            _make_bolder(child)
    if isinstance(node, dict):
        for name in node.keys() & {"fill-opacity", "stroke-opacity"}:
            node[name] = f"{min(_BOLDEST, 3 * float(node[name])):.2f}"
        if "stroke-width" in node:
            node["stroke-width"] = f"{3 * float(node['stroke-width']):.2f}"


def draw(
    seed: int, side: int, styles: Sequence[str] = tuple(STYLES), test: bool = False
) -> Drawing:
    """Return the drawing of a seed, `side` pixels wide and high."""
    of = scene(seed, styles, test)
    return Drawing(of, tag_prompt(of), caption_prompt(of), picture(of, side))
