"""Prompts that the split is trained on: texts whose parts are known to be tags or caption.

Some are made of tags and captions, in the manners in which people write: weights, braces, groups of
tags, shouts, lists of artists, several languages. Others are prompts that people wrote, where only
the sides that are beyond doubt are given. Lines that a measure uses are left out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from tipo_core.prompt.sentences import split_sentences

from .training_blocks import CAPTION, TAG, UNKNOWN, BlockWriter, PromptText, TrainingPrompt
from .training_lists import TrainingLists
from .training_phrases import PhraseWriter
from .wide_sentences import (
    chinese_clauses,
    chinese_tag,
    japanese_clauses,
    japanese_tag,
    traditional,
)
from .word_lists import words

_VERBS = words("verbs")
_PARTICIPLES = words("participles")
_ADJECTIVES = words("adjectives")
_QUALITY = words("quality")
_INTRANSITIVE = words("intransitive")
_PROFESSIONS = ("actor", "queen", "chef", "hero")
_RUSSIAN = words("russian")
_KOREAN = words("korean")
_LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALPHABETS = tuple(
    str.maketrans(_LATIN, lower + lower.upper())
    for lower in ("абцдефгхийклмнопярстувщыэз", "αβξδεφγηιϊκλμνοπψρστυθωχύζ")
)
_GRAMMAR = frozenset(
    "a an the his her their is are with in of on at wearing holding and as from through".split()
)


def training_prompts(folder: Path, count: int, seed: int) -> Iterator[TrainingPrompt]:
    """Yield `count` prompts, the same ones for the same seed. Raises OSError for a missing file."""
    writer = _Writer(TrainingLists(folder), random.Random(seed))
    for _ in range(count):
        yield writer.prompt()


class _Writer:
    """Writes prompts, each in one manner."""

    def __init__(self, lists: TrainingLists, rng: random.Random) -> None:
        self._lists = lists
        self._phrases = PhraseWriter(lists, rng)
        self._blocks = BlockWriter(self._phrases, rng)
        self._rng = rng
        self._kinds: dict[Callable[[], TrainingPrompt], float] = {
            self._mixed: 22,
            self._captions_only: 14,
            self._tags_only: 14,
            self._written_by_people: 22,
            self._chinese_or_japanese: 13,
            self._subject_first: 14,
            self._other_scripts: 3,
        }

    def prompt(self) -> TrainingPrompt:
        kinds = list(self._kinds)
        return self._rng.choices(kinds, list(self._kinds.values()))[0]()

    # --- kinds of prompts

    def _mixed(self) -> TrainingPrompt:
        rng = self._rng
        text = PromptText()
        blocks = rng.choice(("tc", "ct", "ct", "tct", "tctc", "ctct"))
        decorated = rng.random() < 0.5
        for number, block in enumerate(blocks):
            if number:
                ended = text.ends_sentence()
                text.add(rng.choice((" ", " ", ", ", "\n") if ended else (", ", ", ", ",", "\n")))
            if block == "t" and text.ends_sentence() and rng.random() < 0.2:
                self._blocks.add_styles(text)
            elif block == "t":
                self._blocks.add_tags(text, rng.randint(1, 14), decorated=decorated)
            elif rng.random() < 0.1:
                text.add(self._phrases.clause(), CAPTION)
            elif rng.random() < 0.15:
                between, phrase = (
                    rng.choice(("((", "{", "(")),
                    self._phrases.phrase(rng.random() < 0.5),
                )
                if "(" in phrase or ":" in phrase:
                    text.add(phrase, CAPTION)
                else:
                    close = {"((": "))", "{": "}", "(": ":1.2)"}[between]
                    text.add(between + phrase.rstrip(".") + close, CAPTION)
            else:
                self._blocks.add_caption(text, rng.choices((1, 2, 3), (6, 2, 1))[0])
        return text.prompt()

    def _captions_only(self) -> TrainingPrompt:
        rng = self._rng
        text = PromptText()
        if rng.random() < 0.45:
            self._blocks.add_caption(text, rng.choices((1, 2), (3, 1))[0])
        else:
            whole = rng.choice(self._lists.long if rng.random() < 0.6 else self._lists.middle)
            sentences = split_sentences(whole)
            start = rng.randrange(max(1, len(sentences) - 1)) if rng.random() < 0.4 else 0
            whole = "".join(sentences[start : start + rng.randint(1, 7)]).strip()
            if rng.random() < 0.3:
                words = whole.split(" ")
                whole = " ".join(words[: rng.randint(max(1, len(words) // 2), len(words))])
            if rng.random() < 0.3:
                whole = whole.lower()
            text.add(whole.rstrip(",").strip(), CAPTION)
        return text.prompt()

    def _tags_only(self) -> TrainingPrompt:
        text = PromptText()
        self._blocks.add_tags(text, self._rng.randint(1, 30), decorated=self._rng.random() < 0.6)
        return text.prompt()

    def _written_by_people(self) -> TrainingPrompt:
        line = self._rng.choice(self._lists.written)
        text = PromptText()
        pieces = line.split(",")
        for number, piece in enumerate(pieces):
            if number:
                text.add(",")
            bare = piece.strip()
            text.add(piece[: len(piece) - len(piece.lstrip())])
            text.add(bare, self._side_of_written(bare, number, len(pieces)))
            text.add(piece[len(piece.rstrip()) :] if bare else "")
        return text.prompt()

    def _side_of_written(self, piece: str, number: int, count: int) -> str:
        """The side of a piece of a prompt that a person wrote, where it is beyond doubt."""
        words = piece.lower().split()
        if number and (piece in self._lists.sure or piece.lower() in self._lists.sure):
            return TAG
        if number and words[:1] in (["by"], ["art"]) and len(words) > 1:
            return TAG
        if len(words) == 1 and number:
            return TAG
        grammar = bool(_GRAMMAR & set(words))
        if number == 0 and (len(words) >= 5 or (len(words) == 4 and words[0] in ("a", "an"))):
            return CAPTION if grammar else UNKNOWN
        if number and len(words) <= 3 and not grammar and number > 1 and count > 5:
            return TAG
        return UNKNOWN

    def _subject_first(self) -> TrainingPrompt:
        """``Ann Lee, wearing a hat, walks through the park.``; ``a cat . retro, soft light``"""
        rng = self._rng
        text = PromptText()
        kind = rng.random()
        if kind < 0.5:
            people = self._lists.people if rng.random() < 0.6 else self._lists.authors
            name = rng.choice(people).title() if rng.random() < 0.8 else self._phrases.noun_phrase()
            middle = rng.choice(
                (
                    f", {rng.choice(_PARTICIPLES)} {self._phrases.noun_phrase()},",
                    f", {rng.choice(_PARTICIPLES)} {self._phrases.noun_phrase()},",
                    f", {self._phrases.noun_phrase()},",
                    f", the {rng.choice(_ADJECTIVES)} {rng.choice(_PROFESSIONS)},",
                    f" and {rng.choice(self._lists.people)},",
                    "",
                )
            )
            if rng.random() < 0.2:
                action = rng.choice(_INTRANSITIVE)
            else:
                action = f"{rng.choice(_VERBS)} {self._phrases.noun_phrase()}"
            sentence = f"{name}{middle} {action}"
            if rng.random() < 0.4:
                sentence += f", {rng.choice(_PARTICIPLES)} {self._phrases.noun_phrase()}"
            sentence += "" if rng.random() < 0.2 else rng.choice("....!")
            if rng.random() < 0.2:
                sentence = sentence.lower()
            text.add(sentence, CAPTION)
            if text.ends_sentence() and rng.random() < 0.5:
                text.add(" ")
                self._blocks.add_caption(text, 1)
            elif rng.random() < 0.4:
                text.add(" " if text.ends_sentence() else ", ")
                self._blocks.add_tags(text, rng.randint(1, 8), decorated=False)
            return text.prompt()
        style = rng.choice(self._lists.styles).capitalize()
        if kind < 0.7:
            text.add(f"{style} {self._phrases.phrase(False).rstrip('.').lower()}", CAPTION)
            text.add(rng.choice((" . ", ". ", " , ")))
        else:
            text.add(style, TAG)
            text.add(", ")
            text.add(self._phrases.phrase(False).rstrip(".").lower(), CAPTION)
            text.add(rng.choice((", ", " . ", ". ")))
        self._blocks.add_styles(text)
        return text.prompt()

    def _chinese_or_japanese(self) -> TrainingPrompt:
        rng = self._rng
        text = PromptText()
        language = rng.choice(("zh", "zh", "zh", "tw", "ja", "ja"))
        blocks = rng.choices(("c", "t", "tc", "ct", "tct", "cc", "ccc"), (4, 4, 3, 3, 1, 2, 1))[0]
        for number, block in enumerate(blocks):
            if number and not text.ends_sentence():
                text.add(rng.choice(("，", ", ", ",", "\n", "、" if language == "ja" else "，")))
            elif number and rng.random() < 0.2:
                text.add("\n")
            if block == "t":
                between = rng.choice(("，", ", ", ",", "，", "、"))
                count = rng.randint(1, 14)
                items = [self._foreign_tag(language) for _ in range(count)]
                for at, item in enumerate(items):
                    text.add(between if at else "")
                    text.add(
                        self._blocks.decorated(item, "lightly" if rng.random() < 0.1 else ""), TAG
                    )
                if rng.random() < 0.06:
                    text.add("。")
            else:
                self._add_wide_caption(text, language, must_end="c" in blocks[number + 1 :])
        return text.prompt()

    def _foreign_tag(self, language: str) -> str:
        rng = self._rng
        if rng.random() < 0.15:
            return rng.choice(_QUALITY) if rng.random() < 0.5 else self._phrases.tag()
        if language in self._lists.foreign and rng.random() < 0.55:
            return rng.choice(self._lists.foreign[language])
        if language == "ja":
            return japanese_tag(rng)
        return chinese_tag(rng) if language == "zh" else traditional(chinese_tag(rng))

    def _add_wide_caption(self, text: PromptText, language: str, *, must_end: bool) -> None:
        rng = self._rng
        sentences = rng.choices((1, 2, 3), (5, 2, 2))[0]
        for number in range(sentences):
            ends = must_end or number < sentences - 1 or rng.random() < 0.6
            if language == "ja":
                body = "、".join(japanese_clauses(rng))
            else:
                between = "，" if rng.random() < 0.85 else rng.choice((",", ", ", "；"))
                body = between.join(chinese_clauses(rng))
                body = traditional(body) if language == "tw" else body
            text.add(body + (rng.choice("。。。。！.") if ends else ""), CAPTION)

    def _other_scripts(self) -> TrainingPrompt:
        """Russian and Korean tags and sentences, and English ones in letters of other scripts."""
        rng = self._rng
        text = PromptText()
        language = rng.choice(("ru", "ko", "", ""))
        letters = rng.choice(_ALPHABETS)
        sentences = _RUSSIAN if language == "ru" else _KOREAN
        blocks = rng.choice(("t", "c", "c", "cc", "tc", "ct"))
        for number, block in enumerate(blocks):
            if number:
                text.add(rng.choice((" ", "\n")) if text.ends_sentence() else ", ")
            if block == "t":
                items = [self._phrases.tag() for _ in range(rng.randint(1, 12))]
                if language:
                    items = rng.sample(self._lists.foreign[language], rng.randint(1, 12))
                self._blocks.add_items(text, [item.translate(letters) for item in items], ", ", TAG)
                continue
            body = ", ".join(rng.sample(sentences, rng.randint(1, 3)))
            body = (body if language else self._phrases.phrase(False)).translate(letters)
            body = body.capitalize() if rng.random() < 0.5 else body
            ends = "c" in blocks[number + 1 :] or rng.random() < 0.6
            text.add(body + "." * ends, CAPTION)
        return text.prompt()
