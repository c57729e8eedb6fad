"""The effect of prompt expansion on toy-sd's pictures, by TIPO's published protocol.

Short prompts are drawn as they are and as the language model expands them, with the same noise; the
reader reads all pictures. A stopped run continues.
"""

from __future__ import annotations

import json
import logging
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from tipo_core.evaluate.protocol.arms import ARMS
from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import ExpansionRequest, LanguageModel
from tipo_core.expansion.tasks import Length
from tipo_core.lm.hub.catalog import NANO
from tipo_core.prompt.vocabulary.toy_words import TOY_ARTIST
from tipo_core.recipe import note_recipe

from ..drawings.drawings import Prompt, Scene, picture, scene
from ..drawings.styles import STYLES
from ..drawings.text_encodings import TextEncodings
from ..model.checkpoint import open_trained
from ..model.clip_model import clip_tokenizer, fit
from ..training.toy_sd_state import digest
from . import reader
from .accuracy_rows import MAIN, Artist, Asked, Point

log = logging.getLogger("tipo-suite")

PLAIN, EXPANDED = ARMS
DRAWINGS = "drawings"
_FIRST_SEED = 6_000_000


@dataclass(frozen=True)
class Short:
    """A short prompt: a style alone or with one part of a scene, and the seed of its noise."""

    scene: Scene
    prompt: Prompt
    seed: int


def short_prompt(number: int, styles: Sequence[str]) -> Short:
    """Return a short prompt: the style alone (even numbers), or the style and one part."""
    of = scene(_FIRST_SEED + number, styles)
    style = STYLES[of.style]
    if number % 2 == 0:
        return Short(of, Prompt(style.name, ()), _FIRST_SEED + number)
    part = random.Random(f"toy-sd short {of.seed}").choice(style.parts)
    text = f"{style.name}, {part.tag.format(of.attributes[part.name])}"
    return Short(of, Prompt(text, (part.name,)), _FIRST_SEED + number)


def expanded_prompts(shorts: Sequence[Short], model: LanguageModel, path: Path) -> list[str]:
    """Return the prompts as TIPO Expand expands them in the demo; `path` keeps them."""
    texts: list[str] = json.loads(path.read_text("utf-8")) if path.exists() else []
    for number in range(len(texts), len(shorts)):
        short = shorts[number]
        request = ExpansionRequest(
            short.prompt.text,
            tag_length=Length.VERY_SHORT,
            caption_length=None,
            seed=short.seed,
            meta={"artist": TOY_ARTIST},
        )
        texts.append(expand(model, request)[0].prompt)
        if number % 64 == 63 or number + 1 == len(shorts):
            part = path.with_name(path.name + ".part")
            part.write_text(json.dumps(texts, indent=0, ensure_ascii=False) + "\n", "utf-8")
            part.replace(path)
            log.info("%d of %d prompts are expanded", len(texts), len(shorts))
    return texts[: len(shorts)]


def draw_arm(
    folder: Path, shorts: Sequence[Short], texts: Sequence[str], artist: Artist, point: Point,
    batch: int,
) -> None:  # fmt: skip
    """Draw the missing pictures of a folder, as NUMBER.png."""
    folder.mkdir(parents=True, exist_ok=True)
    left = [n for n in range(len(shorts)) if not (folder / f"{n:06}.png").exists()]
    for first in range(0, len(left), batch):
        some = left[first : first + batch]
        rows = [
            Asked(shorts[n].scene, "tags", Prompt(texts[n], ()), shorts[n].scene, shorts[n].seed)
            for n in some
        ]
        for n, drawn in zip(some, artist.draw(point, rows), strict=True):
            save(drawn, folder / f"{n:06}.png")
        log.info("%s: %d of %d", folder.name, first + len(some), len(left))


def save(drawn: torch.Tensor, path: Path) -> None:
    """Write a picture `3, H, W` in 0..1 in one step."""
    part = path.with_suffix(".part")
    Image.fromarray((drawn.permute(1, 2, 0) * 255).round().byte().numpy()).save(part, "PNG")
    part.replace(path)


def read_folder(folder: Path, count: int, reading: reader.Reader) -> list[reader.Reading]:
    """Return the reader's findings for the pictures of a folder, in their order."""
    seen: list[reader.Reading] = []
    for first in range(0, count, 64):
        pictures = []
        for n in range(first, min(first + 64, count)):
            with Image.open(folder / f"{n:06}.png") as opened:
                values = torch.frombuffer(bytearray(opened.tobytes()), dtype=torch.uint8)
                pictures.append(values.view(opened.height, opened.width, 3).permute(2, 0, 1))
        seen += reading.read(torch.stack(pictures).float() / 255)
    return seen


def attributes_report(shorts: Sequence[Short], seen: Sequence[reader.Reading]) -> dict[str, Any]:
    """Return the variety of the parts, and the accuracy of the parts that a prompt names.

    `words_in_use` is the mean over all parts of exp(entropy) / choices: 1 where all words are
    equally frequent. `named_right` is the share of named parts, `style_right` that of styles, which
    are as the short prompt says.
    """
    used = {}
    for name in dict.fromkeys(one.style for one in seen):
        rows = [one.attributes for one in seen if one.style == name]
        for part in STYLES[name].parts:
            shares = [n / len(rows) for n in Counter(row[part.name] for row in rows).values()]
            entropy = -sum(share * math.log(share) for share in shares)
            used[f"{name}/{part.name}"] = round(math.exp(entropy) / len(part.choices), 4)
    named = [
        one.style == short.scene.style and one.attributes[part] == short.scene.attributes[part]
        for short, one in zip(shorts, seen, strict=True)
        for part in short.prompt.named
    ]
    styles = [one.style == short.scene.style for short, one in zip(shorts, seen, strict=True)]
    return {
        "words_in_use": round(sum(used.values()) / len(used), 4),
        "named_right": round(sum(named) / len(named), 4) if named else None,
        "style_right": round(sum(styles) / len(styles), 4),
        "words_in_use_by_part": used,
    }


@dataclass(frozen=True)
class ProtocolOptions:
    """toy-sd's weights, its reader and CLIP's tokenizer; `model` is the language model's name.

    `count` prompts are drawn at `side` pixels, `batch` at a time.
    """

    weights: Path
    reader: Path
    out: Path
    tokenizer: Path
    model: str = NANO
    count: int = 2048
    side: int = 128
    cfg: float = MAIN.cfg
    steps: int = MAIN.steps
    batch: int = 32


def run(options: ProtocolOptions, model: LanguageModel) -> dict[str, Any]:
    """Expand, draw and read the prompts that are missing; write and return `attributes.json`.

    Raises ValueError if `out` holds a run of other settings.
    """
    out = options.out
    reading = reader.load(options.reader)
    styles = reading.heads[0].words
    unet, vae = open_trained(options.weights)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = clip_tokenizer(options.tokenizer)
    texts = {1: TextEncodings(tokenizer, device, keep=True)}
    point = replace(MAIN, cfg=options.cfg, steps=options.steps)
    out.mkdir(parents=True, exist_ok=True)
    names = ("model", "side", "cfg", "steps")
    recipe = {name: str(getattr(options, name)) for name in names}
    note_recipe(out / "run.json", recipe | {"weights": digest(options.weights)})
    artist = Artist(unet.to(device), vae.to(device), texts, options.side)

    shorts = [short_prompt(n, styles) for n in range(options.count)]
    (out / DRAWINGS).mkdir(exist_ok=True)
    for n, short in enumerate(shorts):
        path = out / DRAWINGS / f"{n:06}.png"
        if not path.exists():
            drawing = torch.from_numpy(picture(short.scene, options.side).copy())
            save(drawing.permute(2, 0, 1) / 255, path)
    longer = expanded_prompts(shorts, model, out / "expanded.json")
    fitting = [fit(text, tokenizer) for text in longer]
    prompts = {PLAIN: [short.prompt.text for short in shorts], EXPANDED: fitting}
    for arm, words in prompts.items():
        draw_arm(out / arm, shorts, words, artist, point, options.batch)

    cut = sum(whole != part for whole, part in zip(longer, fitting, strict=True))
    report: dict[str, Any] = {"count": options.count, "cut_to_75_tokens": cut}
    for folder in (DRAWINGS, PLAIN, EXPANDED):
        seen = read_folder(out / folder, options.count, reading)
        report[folder] = attributes_report(shorts, seen)
    (out / "attributes.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return report
