"""Read the corpora: clean lines, and style phrases of prompts."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tipo_core.prompt.vocabulary.blocklist import blocklist_matches

# One photo caption in twenty is held out.
_HELD_OUT_CAPTIONS = 20


def read_lines(path: Path) -> list[str]:
    """Return the clean, stripped lines of a gzipped text file."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        lines = (" ".join(line.split()) for line in stream)
        return [line for line in lines if line and not blocklist_matches(line)]


def is_held_out_text(line: str) -> bool:
    """Return whether a photo caption is held out from the training: one in twenty."""
    return hashlib.sha256(line.encode()).digest()[0] % _HELD_OUT_CAPTIONS == 0


def as_sentence(line: str) -> str:
    """Return a caption with a capital letter and a full stop."""
    line = line[0].upper() + line[1:]
    return line if line.endswith((".", "!", "?")) else line + "."


def style_phrases(
    prompts: Sequence[str], captions: Sequence[str], names: Sequence[str]
) -> list[tuple[str, ...]]:
    """Return the common phrases of each prompt, without names of people.

    A phrase is kept where several prompts have it and all its words are ordinary: words of the
    photo captions, of the tags, or of the list below.
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
