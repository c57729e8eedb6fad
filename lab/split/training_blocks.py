"""Blocks of a training prompt: lists of tags in one manner of writing, captions, styles."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tipo_core.prompt.syntax.parse import escape_tag

from .training_phrases import PhraseWriter
from .word_lists import words

TAG, CAPTION, UNKNOWN = "tag", "caption", "unknown"
_QUALITY = words("quality")


@dataclass(frozen=True)
class TrainingPrompt:
    """A prompt and its known parts: start, end, side."""

    text: str
    parts: tuple[tuple[int, int, str], ...]


class PromptText:
    """A prompt in the making."""

    def __init__(self) -> None:
        self._text = ""
        self._parts: list[tuple[int, int, str]] = []

    def add(self, text: str, side: str | None = None) -> None:
        if side is not None and text:
            self._parts.append((len(self._text), len(self._text) + len(text), side))
        self._text += text

    def ends_sentence(self) -> bool:
        return self._text.endswith((".", "!", "。", "！"))

    def prompt(self) -> TrainingPrompt:
        return TrainingPrompt(self._text, tuple(self._parts))


class BlockWriter:
    """Adds blocks of tags or captions to a prompt."""

    def __init__(self, phrases: PhraseWriter, rng: random.Random) -> None:
        self._phrases = phrases
        self._rng = rng

    def add_caption(self, text: PromptText, count: int) -> None:
        rng = self._rng
        for number in range(count):
            if number:
                text.add(" ")
            ends = number < count - 1 or rng.random() < 0.5
            if number and rng.random() < 0.3:
                text.add(self._phrases.short_sentence(), CAPTION)
                continue
            phrase = self._phrases.phrase(ends)
            text.add(phrase, CAPTION)

    def add_styles(self, text: PromptText) -> None:
        """Style phrases after a description: with commas and one stop, or with many stops."""
        rng = self._rng
        items = [self._phrases.style() for _ in range(rng.randint(1, 8))]
        if rng.random() < 0.3:
            items += self._phrases.credit_list()
        if rng.random() < 0.5:
            items[0] = items[0].capitalize()
        ending = rng.choice((0.0, 0.0, 0.3, 1.0))  # share of items with a stop
        capitals = rng.random() < 0.5
        for number, item in enumerate(items):
            stops = rng.random() < ending
            text.add((item.capitalize() if capitals and ending else item) + "." * stops, TAG)
            if number < len(items) - 1:
                text.add(" " if stops else ", ")
        text.add(rng.choice(("", ".", "")) if not text.ends_sentence() else "")

    def add_tags(self, text: PromptText, count: int, *, decorated: bool) -> None:
        rng = self._rng
        manner = rng.random()
        underscores = rng.random() < 0.15
        share = rng.choice((0.0, 0.1, 0.4, 0.8))  # of style phrases
        items: list[str] = []
        while len(items) < count:
            kind = rng.random()
            if kind < 0.04:
                items += self._phrases.credit_list()
            elif kind < share:
                items.append(self._phrases.style())
            elif kind < share + (1 - share) * 0.15:
                items.append(rng.choice(_QUALITY))
            elif kind < share + (1 - share) * 0.3:
                items.append(self._phrases.descriptive())
            else:
                tag = self._phrases.tag()
                items.append(tag.replace(" ", "_") if underscores else tag)
        if manner < 0.08:
            items = [item.title() for item in items]
        elif manner < 0.12:
            items = [item.upper() for item in items]
        elif manner < 0.2:
            items = [item[:1].upper() + item[1:] for item in items]
        between = rng.choice((", ", ", ", ", ", ",", " , ", ",\n", "\n"))
        how = (
            rng.choice(("weights", "braces", "groups", "shouts", "row", "open"))
            if decorated
            else ""
        )
        if how == "groups":
            at = 0
            while at < len(items):
                size = rng.randint(1, 6)
                inner = between.join(items[at : at + size])
                wrap = rng.random() < 0.5 and "(" not in inner and ":" not in inner
                text.add(between if at else "")
                text.add(f"({inner}{rng.choice(('', ':1.2', ':0.9'))})" if wrap else inner, TAG)
                at += size
            return
        if how == "row":
            plain = [item for item in items if "(" not in item and ":" not in item]
            text.add(
                " ".join(f"({item}{rng.choice(('', ':1.2'))})" for item in plain) or "cat", TAG
            )
            return
        if how == "open":
            text.add("{{{" + between.join(items) + rng.choice(("}}}", "}}", "")), TAG)
            return
        for number, item in enumerate(items):
            text.add(between if number else "")
            text.add(self.decorated(item, how), TAG)
        if rng.random() < 0.12 and "\n" not in between:
            text.add(".")

    def decorated(self, item: str, how: str) -> str:
        rng = self._rng
        if "(" in item and rng.random() < 0.7:
            return escape_tag(item)
        if not how or "(" in item or ":" in item:
            return item
        kind = rng.random()
        if how == "shouts":
            return item + rng.choice(("!", "!!", "!!!", "!!!!", ".")) if kind < 0.35 else item
        if kind < 0.4:
            return item
        if how == "braces":
            depth = rng.randint(1, 4)
            return f"{'{' * depth}{item}{'}' * depth}"
        if kind < 0.65:
            return f"({item}:{rng.choice(('1.1', '1.3', '0.8'))})"
        depth = rng.randint(1, 3)
        return f"{'(' * depth}{item}{')' * depth}"

    def add_items(self, text: PromptText, items: Sequence[str], between: str, side: str) -> None:
        for number, item in enumerate(items):
            text.add(between if number else "")
            text.add(item, side)
