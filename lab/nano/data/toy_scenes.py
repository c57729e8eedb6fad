"""Scenes of toy-sd as samples for the language model: their tags, and sentences about them.

These samples teach the model to expand the tag `planet` to the tags of a whole picture, with
toy-sd's words and each part of the picture once. The style's tag comes first. The metadata line
`artist: toy-sd` tells these planets from those of other pictures.
"""

from __future__ import annotations

import random

from ...toy_sd.drawings.drawings import Scene, caption_prompt, scene
from ...toy_sd.drawings.styles import NO_ARTICLE, STYLES

# Relative frequency of each style.
_WEIGHTS = {"landscape": 4, "planet": 4, "critter": 1, "potted plant": 1}
# The smallest length class needs six tags. A scene of these styles has five, so it gets one more.
FILLERS = {"landscape": ("scenery",), "planet": ("space",)}
# Sentences about a part, by style and part; `_statement` has the form for all other parts.
_STATEMENTS = {
    ("landscape", "sun"): "there is {article}",
    ("landscape", "sky"): "the sky is {word}",
    ("landscape", "hills"): "the hills are {word}",
    ("landscape", "field"): "the field is {word}",
    ("planet", "colour"): "the planet is {word}",
    ("planet", "surface"): "the planet is {word}",
    ("planet", "ring"): "it has {article}",
    ("planet", "moons"): "it has {word}",
    ("critter", "colour"): "the critter is {word}",
    ("critter", "body"): "it has a {word} body",
    ("potted plant", "colour"): "the pot is {word}",
    ("potted plant", "shape"): "the pot has a {word} shape",
}


def toy_scene(rng: random.Random, test: bool = False) -> Scene:
    """Return a training scene; with `test`, one with a pair of parts that training never shows."""
    style = rng.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
    return scene(rng.getrandbits(40), (style,), test)


def toy_tags(of: Scene, rng: random.Random) -> list[str]:
    """Return the tags of a scene: the style, its parts in random order, the style's fillers."""
    style = STYLES[of.style]
    tags = [part.tag.format(of.attributes[part.name]) for part in style.parts]
    rng.shuffle(tags)
    return [of.style, *tags, *FILLERS.get(of.style, ())]


def toy_sentences(of: Scene, rng: random.Random) -> list[str]:
    """Return a caption that names every part of a scene, in one sentence or in several."""
    opening = caption_prompt(of, rng.getrandbits(30), all_parts=rng.random() < 0.5)
    sentences = [opening.text]
    rest = [part.name for part in STYLES[of.style].parts if part.name not in opening.named]
    rng.shuffle(rest)
    sentences += [_statement(of, name) for name in rest]
    return [sentence[0].upper() + sentence[1:] + "." for sentence in sentences]


def toy_vocabulary(style: str) -> frozenset[str]:
    """Return all tags that a picture of the style may have, the style's own included."""
    parts = STYLES[style].parts
    tags = {part.tag.format(word) for part in parts for word in part.choices}
    return frozenset((style, *tags, *FILLERS.get(style, ())))


def contradicts(style: str, tags: list[str]) -> bool:
    """Return whether two of `tags` are different choices of the same part of the style."""
    for part in STYLES[style].parts:
        if len({part.tag.format(word) for word in part.choices} & set(tags)) > 1:
            return True
    return False


def _statement(of: Scene, name: str) -> str:
    word = of.attributes[name]
    part = STYLES[of.style].part(name)
    counted = word.startswith(("no ", "one ", "two ")) or word.endswith(" eyes")
    article = "" if counted or word in NO_ARTICLE else "an " if word[0] in "aeiou" else "a "
    if name == "background":
        return f"the background is {word}"
    default = f"it has {article}{word}" if part.tag == "{}" else f"it has a {part.tag.format(word)}"
    return _STATEMENTS.get((of.style, name), default).format(word=word, article=article + word)
