"""Training samples: pictures in words, from a list, a file of a user's own, or any other source.

A file of samples is JSON Lines: each line is an object with

    tags        a list of strings, the number of people first ("1girl", "solo")
    caption     a string, or a list of strings with one sentence each
    meta        optional: an object of strings; its keys are those of a TIPO request, such as
                "rating", "quality", "artist", "characters", "copyrights", "meta", "aspect ratio"
    in_order    optional: true where the first tag names the style and the others keep their order
    typed       optional: a list of more tags that only a request may have, such as style words;
                the model learns to read them, and never to add them
    retold      optional: a caption of the same picture in other words, for the short caption

for example

    {"tags": ["1girl", "solo", "red hat"], "caption": "A girl wears a red hat. She is smiling."}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeGuard

from ..expansion.format import META_KEYS
from ..prompt import split_sentences

_KEYS = frozenset(("tags", "caption", "meta", "in_order", "typed", "retold"))


@dataclass(frozen=True)
class Sample:
    """One picture in words: tags (number of people first), caption sentences, metadata lines.

    With `in_order` the first tag stays first and the others keep their order. `typed` are more tags
    that no answer adds; `retold` is the caption in other words.
    """

    tags: tuple[str, ...]
    sentences: tuple[str, ...]
    meta: Mapping[str, str] = field(default_factory=dict)
    in_order: bool = False
    typed: tuple[str, ...] = ()
    retold: tuple[str, ...] = ()


class Samples(Protocol):
    """Numbered samples; a list is one. Worker processes get a pickled copy."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, number: int, /) -> Sample:
        """Return sample `number`, from 0; always the same one."""
        ...


@dataclass(frozen=True)
class SampleRange:
    """Samples `first` up to, not including, `end` of another source."""

    source: Samples
    first: int
    end: int

    def __len__(self) -> int:
        return self.end - self.first

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(f"sample {number} is not in 0..{len(self) - 1}")
        return self.source[self.first + number]


def read_samples(path: Path) -> list[Sample]:
    """Return the samples of a JSON Lines file; blank lines are skipped.

    Raises FileNotFoundError, or ValueError with the file, the line and the remedy.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}: give a .jsonl with one sample per line")
    samples = []
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            samples.append(_sample(json.loads(line)))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    if not samples:
        raise ValueError(f"{path} holds no sample: write one JSON object per line")
    return samples


def _sample(entry: Any) -> Sample:
    """Return the sample of one JSON value. Raises ValueError."""
    if not isinstance(entry, dict):
        raise ValueError('not a JSON object: write {"tags": [...], "caption": "..."}')
    if unknown := sorted(entry.keys() - _KEYS):
        raise ValueError(f"unknown key {unknown[0]!r}: use {', '.join(sorted(_KEYS))}")
    tags, caption = entry.get("tags"), entry.get("caption")
    if not _is_texts(tags):
        raise ValueError("'tags' must be a list of one or more strings")
    typed = entry.get("typed", [])
    if typed != [] and not _is_texts(typed):
        raise ValueError("'typed' must be a list of strings")
    if any("," in tag or "\n" in tag for tag in [*tags, *typed]):
        raise ValueError("a tag contains a comma or a line break: write each tag as its own string")
    sentences = _sentences("caption", caption)
    retold = _sentences("retold", entry["retold"]) if "retold" in entry else ()
    meta = entry.get("meta", {})
    if not isinstance(meta, dict) or not all(isinstance(value, str) for value in meta.values()):
        raise ValueError("'meta' must be an object whose values are strings")
    if foreign := sorted(meta.keys() - set(META_KEYS)):
        raise ValueError(f"unknown meta key {foreign[0]!r}: use {', '.join(META_KEYS)}")
    if not isinstance(entry.get("in_order", False), bool):
        raise ValueError("'in_order' must be true or false")
    return Sample(
        tuple(tag.strip() for tag in tags),
        sentences,
        {key: " ".join(value.split()) for key, value in meta.items()},
        entry.get("in_order", False),
        tuple(tag.strip() for tag in typed),
        retold,
    )


def _sentences(key: str, value: Any) -> tuple[str, ...]:
    sentences = list(split_sentences(value)) if isinstance(value, str) else value
    if not _is_texts(sentences):
        raise ValueError(f"'{key}' must be a text, or a list of one or more sentences")
    return tuple(" ".join(sentence.split()) for sentence in sentences)


def _is_texts(value: Any) -> TypeGuard[list[str]]:
    """Return whether a value is a list of one or more texts, none of them blank."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, str) and one.strip() for one in value)
    )
