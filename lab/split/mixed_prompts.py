"""Prompts of tags and captions whose sides are known, made of real tags and real captions.

Tags are general tags, names and style phrases of prompts, drawn by their frequency. Captions are
photo captions, some with the name of a character, and prompts of one sentence. Tags have
underscores or blanks, captions end with a full stop or without one, as in real prompts.
"""

from __future__ import annotations

import csv
import gzip
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from zlib import crc32

from tipo_core.prompt import Side
from tipo_core.prompt.sentences import split_sentences
from tipo_core.prompt.syntax.parse import escape_tag
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches

# t: a list of tags; c: a caption of one to three sentences. The last pattern has syntax in it.
PATTERNS = (
    ("tags, caption", "tc"),
    ("caption, tags", "ct"),
    ("tags, caption, tags", "tct"),
    ("several captions between tags", "tctct"),
    ("with weights, networks, BREAK", "tct"),
)
_QUALITY = "masterpiece, best quality, very aesthetic, absurdres, highres, newest, score_9".split(
    ", "
)
_NETWORKS = ("<lora:ink_style:0.8>", "<lora:Flat-Colour_v2:1>", "<hypernet:soft:0.5>")
_EMBEDDINGS = ("embedding:easy_negative", "embedding:soft_light")
_RESTS = ("BREAK", "__color__", "# the rest is style")
_PERSON = re.compile(
    r"(?:A|The) (?:young |old )?(?:man|woman|girl|boy|lady|guy|person) (?=\w+s |is )"
)
_SENTENCE_WORDS = re.compile(r"\b(?:is|are|was|has|with|that|who|while)\b")
_LEAST_POSTS = 20  # of a name
_LEAST_PROMPTS = 5  # with a style phrase
_STYLE = re.compile(r"[a-z0-9'-]+(?: [a-z0-9'-]+){0,7}")
_LONGEST_NAME = 40
_HELD_OUT = 10


@dataclass(frozen=True)
class Piece:
    """A segment of a prompt: its text, its offset, and the side where it belongs."""

    text: str
    start: int
    side: Side

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class MixedPrompt:
    """A prompt with its segments in order and the name of its pattern."""

    text: str
    pieces: tuple[Piece, ...]
    pattern: str


class _Drawn:
    """Texts with weights, drawn at random."""

    def __init__(self, weighted: Sequence[tuple[str, float]]) -> None:
        self.texts = [text for text, _ in weighted]
        self._sums = list(accumulate(weight for _, weight in weighted))

    def draw(self, rng: random.Random) -> str:
        return rng.choices(self.texts, cum_weights=self._sums)[0]


@dataclass(frozen=True)
class Sources:
    """The texts that prompts are made of."""

    general: _Drawn
    names: _Drawn
    people: _Drawn
    styles: _Drawn
    captions: tuple[str, ...]
    phrases: tuple[str, ...]


def is_held_out(line: str) -> bool:
    """Whether a line of a corpus is for measures only: one in ten, by its checksum."""
    return crc32(" ".join(line.split()).encode()) % _HELD_OUT == 0


def read_sources(folder: Path) -> Sources:
    """Read the tag lists of a folder and the captions that no training reads.

    Frequent tags are drawn more often.
    """
    general = [(row[0], int(row[1]) ** 0.5) for row in _rows(folder / "tags_general_sfw.csv.gz")]
    named = [
        (row[0], row[1], int(row[2]) ** 0.5)
        for row in _rows(folder / "tags_named.csv.gz")
        if int(row[2]) >= _LEAST_POSTS
        and len(row[0]) <= _LONGEST_NAME
        and not blocklist_matches(row[0])
    ]
    captions = [
        _tidy(line) for line in _lines(folder / "captions_coco.txt.gz") if is_held_out(line)
    ]
    prompts = [" ".join(line.split()) for line in _lines(folder / "prompts_diffusion.txt.gz")]
    return Sources(
        general=_Drawn([pair for pair in general if not blocklist_matches(pair[0])]),
        names=_Drawn([(name, weight) for name, _, weight in named]),
        people=_Drawn([(n, w) for n, kind, w in named if kind == "4" and "(" not in n]),
        styles=_Drawn(_style_phrases(prompts)),
        captions=tuple(line for line in captions if line and not blocklist_matches(line)),
        phrases=tuple(
            line
            for line in prompts
            if is_held_out(line) and is_sentence(line) and not blocklist_matches(line)
        ),
    )


def mixed_prompts(sources: Sources, count: int, seed: int) -> Iterator[MixedPrompt]:
    """Yield `count` prompts, the same ones for the same seed, the patterns in turn."""
    rng = random.Random(seed)
    for number in range(count):
        pattern, blocks = PATTERNS[number % len(PATTERNS)]
        writer = _Writer(sources, rng, has_syntax=number % len(PATTERNS) == len(PATTERNS) - 1)
        yield writer.prompt(pattern, blocks)


class _Writer:
    """Writes one prompt in one style: underscores or blanks, escapes, line breaks."""

    def __init__(self, sources: Sources, rng: random.Random, *, has_syntax: bool) -> None:
        self._sources = sources
        self._rng = rng
        self._has_syntax = has_syntax
        self._underscores = rng.random() < 0.25
        self._escapes = rng.random() < 0.6
        self._capitals = rng.random() < 0.1
        self._between = rng.choices((", ", "\n", ",\n"), (6, 2, 1))[0]

    def prompt(self, pattern: str, blocks: str) -> MixedPrompt:
        text = ""
        pieces: list[Piece] = []
        for number, block in enumerate(blocks):
            if number:
                text += self._joint(text)
            if self._has_syntax and self._rng.random() < 0.6:
                item, side = self._syntax_item(text)
                pieces.append(Piece(item, len(text), side))
                text += item + ("\n" if item.startswith("#") else self._joint(item))
            written = self._tags() if block == "t" else self._caption()
            for between, item, side in written:
                text += between
                pieces.append(Piece(item, len(text), side))
                text += item
        return MixedPrompt(text, tuple(pieces), pattern)

    def _joint(self, text: str) -> str:
        if text.endswith("BREAK"):
            return self._rng.choice((" ", "\n", ", "))
        if text.endswith((".", "!")) and self._rng.random() < 0.5:
            return " "
        return self._between

    def _syntax_item(self, text: str) -> tuple[str, Side]:
        kind = self._rng.random()
        if kind < 0.45:
            return self._rng.choice(_NETWORKS), Side.NETWORKS
        if kind < 0.6:
            return self._rng.choice(_EMBEDDINGS), Side.NETWORKS
        starts_line = not text or text.endswith("\n")
        return self._rng.choice(_RESTS if starts_line else _RESTS[:2]), Side.REST

    def _tags(self) -> list[tuple[str, str, Side]]:
        rng = self._rng
        tags = rng.sample(_QUALITY, rng.randint(1, 3)) if rng.random() < 0.4 else []
        names = rng.randint(1, 3) if rng.random() < 0.5 else 0
        drawn = [self._written(self._sources.names.draw(rng), True) for _ in range(names)]
        drawn += [self._written(self._sources.general.draw(rng)) for _ in range(rng.randint(2, 10))]
        if rng.random() < 0.25:
            drawn += [self._sources.styles.draw(rng) for _ in range(rng.randint(1, 5))]
        rng.shuffle(drawn)
        items = [self._weighted(tag) for tag in [*tags, *drawn]]
        return [(", " if number else "", item, Side.TAGS) for number, item in enumerate(items)]

    def _written(self, tag: str, is_name: bool = False) -> str:
        if not self._underscores and len(tag) > 3:
            tag = tag.replace("_", " ")
        if (self._capitals and len(tag) > 3) or (is_name and self._rng.random() < 0.15):
            tag = tag.title()
        return escape_tag(tag) if self._escapes or self._has_syntax else tag

    def _weighted(self, tag: str) -> str:
        kind = self._rng.random() if self._has_syntax else 1.0
        if kind < 0.2:
            return f"({tag}:{self._rng.choice(('1.2', '0.8', '1.35'))})"
        return f"(({tag}))" if kind < 0.25 else f"[{tag}]" if kind < 0.3 else tag

    def _caption(self) -> list[tuple[str, str, Side]]:
        rng = self._rng
        count = rng.choices((1, 2, 3), (5, 3, 2))[0]
        sentences = [self._sentence(ends=count > 1) for _ in range(count)]
        if self._has_syntax and count == 1 and rng.random() < 0.4:
            return [("", _with_weight(sentences[0], rng), Side.CAPTION)]
        pieces: list[tuple[str, str, Side]] = []
        for sentence in sentences:
            for piece in split_sentences(sentence):
                pieces.append((" " if pieces else "", piece.strip(), Side.CAPTION))
        return pieces

    def _sentence(self, *, ends: bool) -> str:
        rng = self._rng
        if rng.random() < 0.15:
            text = rng.choice(self._sources.phrases)
        else:
            text = rng.choice(self._sources.captions)
            if rng.random() < 0.3:
                name = self._sources.people.draw(rng).replace("_", " ").title()
                text = _PERSON.sub(f"{name} ", text, count=1)
            if rng.random() < 0.2:
                text = text[0].lower() + text[1:]
        bare = text.rstrip(" .,")
        if ends:
            return text if text[-1] in ".!?" else f"{bare}."
        return bare if rng.random() < 0.25 else text


def _with_weight(sentence: str, rng: random.Random) -> str:
    """The sentence in a weight, or one of its longer words."""
    if rng.random() < 0.5:
        return f"({sentence.rstrip('.')}:1.2)"
    words = sentence.split(" ")
    long = [number for number, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    if long:
        chosen = rng.choice(long)
        words[chosen] = f"({words[chosen]}:1.1)"
    return " ".join(words)


def _tidy(caption: str) -> str:
    """The caption with single blanks and at most one stop: some end in ``..`` or ``,.``."""
    text = " ".join(caption.split())
    bare = text.rstrip(" .,")
    return f"{bare}." if text.endswith(".") else bare


def is_sentence(prompt: str) -> bool:
    """Whether a prompt is one piece of prose, as far as a rule can tell."""
    words = prompt.split()
    return (
        "," not in prompt
        and "(" not in prompt
        and 8 <= len(words) <= 30
        and _SENTENCE_WORDS.search(prompt.lower()) is not None
        and len(split_sentences(prompt)) == 1
    )


def _style_phrases(prompts: Sequence[str]) -> list[tuple[str, float]]:
    """The pieces between commas that several prompts share, ``sharp focus``, with weights."""
    pieces = Counter(piece.strip().lower() for prompt in prompts for piece in prompt.split(",")[1:])
    return [
        (piece, count**0.5)
        for piece, count in pieces.items()
        if count >= _LEAST_PROMPTS and _STYLE.fullmatch(piece) and not blocklist_matches(piece)
    ]


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(lines)


def _rows(path: Path) -> list[list[str]]:
    """The rows of a table without its header. The tag lists are read as they come."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))[1:]
