"""The lines of the corpora: what is clean in them, and the tags and phrases that stand in them."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tipo_core.prompt.vocabulary.blocklist import blocklist_matches

# One photo caption in twenty is not trained on.
_HELD_OUT_CAPTIONS = 20
_PEOPLE_WORDS = {
    "woman": "1girl", "girl": "1girl", "lady": "1girl", "man": "1boy", "boy": "1boy",
    "guy": "1boy", "women": "2girls", "girls": "2girls", "men": "2boys", "boys": "2boys",
}  # fmt: skip


def read_lines(path: Path) -> list[str]:
    """Return the clean, stripped lines of a gzipped text file."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        lines = (" ".join(line.split()) for line in stream)
        return [line for line in lines if line and not blocklist_matches(line)]


def is_held_out_text(line: str) -> bool:
    """Return whether a photo caption is kept from the training: one in twenty."""
    return hashlib.sha256(line.encode()).digest()[0] % _HELD_OUT_CAPTIONS == 0


def tags_in_words(caption: str, known: Mapping[str, int]) -> list[str]:
    """Return the tags that stand in the caption's own words, longest first at each place.

    Plurals are tried in the singular; people become person counts.
    """
    words = re.findall(r"[a-z][a-z'-]*", caption.lower())
    found: list[str] = []
    place = 0
    while place < len(words):
        for length in (3, 2, 1):
            phrase = " ".join(words[place : place + length])
            singular = re.sub(r"(?<=[^s])s$", "", phrase)
            name = next((name for name in (phrase, singular) if name in known), "")
            if name and len(words) >= place + length:
                found.append(name)
                place += length - 1
                break
        else:
            if words[place] in _PEOPLE_WORDS:
                found.append(_PEOPLE_WORDS[words[place]])
        place += 1
    found = list(dict.fromkeys(found))
    for one, several in (("1girl", "2girls"), ("1boy", "2boys")):
        if several in found and one in found:
            found.remove(one)
    return found


def as_sentence(line: str) -> str:
    """Return a caption with a capital letter and an end."""
    line = line[0].upper() + line[1:]
    return line if line.endswith((".", "!", "?")) else line + "."


def style_phrases(
    prompts: Sequence[str], captions: Sequence[str], names: Sequence[str]
) -> list[tuple[str, ...]]:
    """Return the phrases that many prompts share, a tuple a prompt, names of people left out.

    A phrase is kept when it is common and all its words are ordinary ones, that is, words of the
    photo captions, of the tags, or of the small list below.
    """
    words = Counter(word for line in captions for word in re.findall(r"[a-z]+", line.lower()))
    ordinary = {word for word, count in words.items() if count >= 3}
    ordinary |= {word for name in names for word in re.findall(r"[a-z]+", name)}
    ordinary |= set(
        """digital painting cinematic lighting detailed highly intricate sharp focus concept art
        illustration volumetric render smooth realistic hyperrealistic photorealistic dramatic
        ultra elegant ambient atmospheric colors vibrant studio""".split()
    )
    split = [[part.strip().lower() for part in line.split(",")] for line in prompts]
    common = {
        phrase
        for phrase, count in Counter(part for parts in split for part in parts).items()
        if count >= 6 and 1 < len(phrase.split()) <= 4
        and "by" not in phrase.split()
        and all(word in ordinary for word in phrase.split())
    }  # fmt: skip
    kept = [tuple(dict.fromkeys(part for part in parts if part in common)) for parts in split]
    return [phrases for phrases in kept if len(phrases) >= 2]
