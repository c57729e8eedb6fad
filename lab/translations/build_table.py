"""Clean the table of tag translations: rows of a prompt helper, partly translated by machine.

A row is kept if its tag is a tag of the vocabulary, or belongs to one of the groups of places,
animals, food and other things. A word is kept if it is written in its language, is short, and is no
note of the translators. A word of several tags belongs to the commonest one.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.translations import Language, Line, WordKind

TABLE = "tag_translations_sfw.csv.gz"
TAGS = "danbooru_tags.jsonl.gz"
COLUMNS = {
    Language.CHINESE: ("zh_CN",),
    Language.JAPANESE: ("ja",),
    Language.KOREAN: ("ko",),
    Language.RUSSIAN: ("ru",),
}
# Groups whose rows are kept though their tag is not in the vocabulary.
THING_GROUPS = frozenset(
    (
        *("Outdoor", "Indoor", "City", "Nature", "Water", "Sky", "Weather", "Furniture", "Food"),
        *("Tableware", "Musical Instruments", "Study supplies", "Digital devices", "Animal"),
        *("Plant", "Identity", "Age", "Bathroom", "Bedding", "Coat", "Hat", "Pants", "Shoes"),
    )
)
# Groups that are no things: a colour before one of their words does not belong to it.
ACTION_GROUPS = frozenset(
    (
        *("Basic Actions", "Leg actions", "Other actions", "Protagonist action", "Smile", "Cry"),
        *("Unhappy", "Angry", "Disdain", "Other expressions", "Camera", "Camera angle"),
        *("Close-up", "Other compositions", "Art style", "Art type", "Style", "Effect", "Quality"),
        *("Lighting", "Atmosphere", "Image", "Figure", "Skin", "Realistic", "Sketch", "Brush"),
    )
)
# Prompts of one model for costumes, weights and names of embeddings, faults of drawings, colours
# of web pages, and rows that slipped into a neighbouring column.
LEFT_OUT_GROUPS = frozenset(
    (
        *("Upper shan", "Long upper shan", "Short shan", "Long shan", "Songmo", "Pibo"),
        *("Waistband", "Pleated skirt", "Person", "Embeddings", "Color", "Artist style"),
        *("Interact with skirt", "Interact with pants", "Interact with socks"),
    )
)
_PERSONS = frozenset(("Identity", "Age"))
_MOST_LETTERS = {
    Language.CHINESE: 8,
    Language.JAPANESE: 12,
    Language.KOREAN: 14,
    Language.RUSSIAN: 30,
}
_LEAST_LETTERS = {
    Language.CHINESE: 1,
    Language.JAPANESE: 1,
    Language.KOREAN: 2,
    Language.RUSSIAN: 3,
}
_LETTERS = {
    Language.CHINESE: re.compile(r"[\u4e00-\u9fff]*[\u4e00-\u9fff]|[A-Z]?[\u4e00-\u9fff]+"),
    Language.JAPANESE: re.compile(r"[A-Z]?[\u3005\u3040-\u30ff\u4e00-\u9fff]+"),
    Language.KOREAN: re.compile(r"[\uac00-\ud7a3]+(?: [\uac00-\ud7a3]+)*"),
    Language.RUSSIAN: re.compile(r"[\u0400-\u04ff]+(?:[- ][\u0400-\u04ff]+)*"),
}
_NOTE = re.compile(r"[(\uff08\[].*?(?:[)\uff09\]]|\Z)")
_OR = re.compile(r"[|\uff5c/\uff1b;,\uff0c\u3001]")
_TAG = re.compile(r"[a-z0-9][a-z0-9 '().:!+-]*")


@dataclass(frozen=True)
class Mistakes:
    """What a reader found wrong: tags to leave out, and words to leave out for one tag."""

    tags: frozenset[str]
    words: frozenset[tuple[str, str]]


def read_mistakes(text: str) -> Mistakes:
    """Read ``mistakes.txt``: a line is a tag, or ``tag: word | word``; `#` starts a comment."""
    tags, words = set(), set()
    for line in text.splitlines():
        tag, colon, listed = line.partition("#")[0].partition(": ")
        if colon:
            words |= {(tag.strip(), word.strip()) for word in listed.split("|")}
        elif tag.strip():
            tags.add(tag.strip())
    return Mistakes(frozenset(tags), frozenset(words))


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the table. Raises OSError or ValueError if it cannot be read."""
    with gzip.open(folder / TABLE, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_counts(folder: Path) -> dict[str, int]:
    """Return the tags of the vocabulary, with blanks, and their counts."""
    with gzip.open(folder / TAGS, "rt", encoding="utf-8") as file:
        entries = [json.loads(line) for line in file]
    return {entry["tag"].replace("_", " "): int(entry["count"]) for entry in entries}


def plain_tag(tag: str) -> str:
    """Return a tag of the table in the spelling of a prompt; '' if it is none."""
    plain = " ".join(tag.replace("_", " ").lower().strip(" ,").split())
    return plain if _TAG.fullmatch(plain) else ""


def words_of(cell: str, language: Language) -> tuple[str, ...]:
    """Return the usable words in a cell: without notes, short, and in letters of the language."""
    words = []
    for word in _OR.split(_NOTE.sub("", cell)):
        word = " ".join(word.replace("_", " ").split()).strip(" .\u3002\u2026")
        fits = _LEAST_LETTERS[language] <= len(word) <= _MOST_LETTERS[language]
        if fits and _LETTERS[language].fullmatch(word):
            words.append(word)
    return tuple(dict.fromkeys(words))


def build_lines(
    rows: Iterable[Mapping[str, str]],
    counts: Mapping[str, int],
    by_hand: Sequence[Line],
    mistakes: Mistakes,
) -> list[Line]:
    """Return the lines of the table, without the words that `by_hand` has."""
    taken = {
        language: {word for line in by_hand for word in line.words.get(language, ())}
        for language in Language
    }
    kinds = {tag: line.kind for line in by_hand for tag in line.tags[:1]}
    found: dict[Language, dict[str, str]] = {language: {} for language in Language}
    groups: dict[str, str] = {}
    for tag, row in _kept(rows, counts, mistakes):
        groups.setdefault(tag, row["group"])
        for language, columns in COLUMNS.items():
            for word in words_of(row.get(columns[0]) or "", language):
                if word in taken[language] or (tag, word) in mistakes.words:
                    continue
                before = found[language].get(word)
                if before is None or counts.get(tag, 0) > counts.get(before, 0):
                    found[language][word] = tag
    words: dict[str, dict[Language, list[str]]] = {}
    for language, tags in found.items():
        for word, tag in tags.items():
            words.setdefault(tag, {}).setdefault(language, []).append(word)
    return [
        Line(
            kinds.get(tag) or _kind_of(groups[tag]),
            (tag,),
            {language: tuple(sorted(listed)) for language, listed in by_language.items()},
        )
        for tag, by_language in sorted(words.items())
    ]


def _kept(
    rows: Iterable[Mapping[str, str]], counts: Mapping[str, int], mistakes: Mistakes
) -> Iterator[tuple[str, Mapping[str, str]]]:
    for row in rows:
        tag, group = plain_tag(row["tag"]), row["group"]
        if not tag or tag in mistakes.tags or group in LEFT_OUT_GROUPS or blocklist_matches(tag):
            continue
        if tag in counts or group in THING_GROUPS:
            yield tag, row


def _kind_of(group: str) -> WordKind:
    if group in _PERSONS:
        return WordKind.PERSON
    is_action = group in ACTION_GROUPS or group.startswith("Hand actions")
    return WordKind.OTHER if is_action else WordKind.THING


def folding_pairs(rows: Iterable[Mapping[str, str]], by_hand: str) -> dict[str, str]:
    """Return the simplified character of each traditional one.

    The table has many words in both scripts. Where both have one length, their characters form
    pairs; a pair counts if its traditional character is in no simplified word. `by_hand` has
    further pairs, which win; a pair of equal characters removes one.
    """
    tally: dict[str, dict[str, int]] = {}
    simplified: set[str] = set()
    for row in rows:
        one, other = row.get("zh_CN") or "", row.get("zh_TW") or ""
        simplified.update(one)
        if len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) <= 2:
            for a, b in zip(one, other, strict=True):
                if a != b and "\u4e00" <= b <= "\u9fff" and "\u4e00" <= a <= "\u9fff":
                    seen = tally.setdefault(b, {})
                    seen[a] = seen.get(a, 0) + 1
    pairs = {
        b: max(sorted(seen), key=lambda a: seen[a])
        for b, seen in tally.items()
        if b not in simplified
    }
    for pair in by_hand.split():
        if len(pair) == 2:
            pairs[pair[0]] = pair[1]
    return {b: a for b, a in sorted(pairs.items()) if a != b}
