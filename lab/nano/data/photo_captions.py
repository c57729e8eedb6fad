"""Captions that people wrote for photos, cleaned: one tuple of sentences per picture.

The sentences of a picture come from different people and tell the same in other words, except in
long captions, whose sentences follow each other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tipo_core.prompt import split_sentences
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches

from ...pairs.corpus_sets import read_rows
from .corpora import as_sentence, is_held_out_text, read_lines

# Sentences about the photo, its maker or its use; words of kinds for names; and toilets, which are
# one COCO picture in fifty.
_UNFIT = re.compile(
    r"""\b(?:image|picture|pictures|photo|photos|photograph|photographer|stock|vector|caption|video
    |illustration\s+of|person|persons|actor|actress|artist|politician|athlete|celebrity|author
    |organisation|character|footballer|player\s+\#|looks\s+like|appears|seems|there\s+is|there\s+are
    |this\s+is|these\s+are|is\s+shown|are\s+shown|is\s+seen|are\s+seen|can\s+be\s+seen|is\s+visible
    |in\s+view|view\s+of|showing|shows|depicting|depicts|toilets?|urinals?|restroom|some\s+sort
    |someone|something|other\s+things|stuff|i|my|you|your|we|our|president|obama|clinton|trump|bush
    |http|www|logo|brand|shirtless|bikini|underwear|bath|bathing|bathtub|shower
    |showering|diaper|nursing|breast|lingerie|swimsuit|swimsuits|beer|drunk|smoking|cigarette)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z ,'-]*[.]?")
# Captions of the web are often no sentence about a picture, unless they begin like this.
_THINGS_FIRST = re.compile(r"(?:an?|the|two|three|four|five|several|many|some) ", re.IGNORECASE)
# A name: a capital after the first letter. Sentences with one are left out.
_NAME = re.compile(r"\S+ .*[A-Z]|[A-Z]{2}")
_FEWEST_WORDS, _MOST_WORDS = 5, 22
# A word of a caption is in at least this many captions: others are mostly typing errors and names.
_LEAST_COUNT = 4
_WORD = re.compile(r"[a-z'-]+")


@dataclass(frozen=True)
class PhotoCaption:
    """The sentences about one photo; those of a long caption follow each other."""

    sentences: tuple[str, ...]
    is_long: bool = False


def photo_captions(folder: Path, held_out: bool = False) -> list[PhotoCaption]:
    """Return the clean captions of the corpora in a folder, without those that are held out.

    With `held_out`, only the held-out ones of the first collection. Corpora that the folder lacks
    are skipped.
    """
    first = read_lines(folder / "captions_coco.txt.gz")
    if held_out:
        lines = [line for line in first if is_held_out_text(line)]
        return [PhotoCaption((as_sentence(line),)) for line in lines if _is_fit(as_sentence(line))]
    kept_back = {_folded(line) for line in first if is_held_out_text(line)}
    groups = []
    seen: set[str] = set()
    for sentences, is_long in _groups(folder, first):
        fit = []
        for sentence in map(as_sentence, sentences):
            folded = _folded(sentence)
            is_new = folded not in seen and folded not in kept_back
            if is_new and _is_fit(sentence):
                seen.add(folded)
                fit.append(sentence)
            elif is_long:
                break  # a later sentence may refer to this one
        if fit:
            groups.append(PhotoCaption(tuple(fit), is_long))
    words = Counter(
        word for group in groups for one in group.sentences for word in set(_words(one))
    )
    common = {word for word, count in words.items() if count >= _LEAST_COUNT}
    known = [
        PhotoCaption(tuple(one for one in group.sentences if common.issuperset(_words(one))),
                     group.is_long)
        for group in groups
    ]  # fmt: skip
    return [group for group in known if group.sentences]


def _groups(folder: Path, first: list[str]) -> Iterator[tuple[list[str], bool]]:
    """Yield the sentences of each picture, and whether they follow each other."""
    rows = folder / "coco_five_captions.jsonl.gz"
    if rows.exists():
        for row in read_rows(rows):
            yield [" ".join(one.split()) for one in row["captions"]], False
    for line in first:
        yield [line], False
    for name in ("coco_more_captions", "conceptual_captions_val"):
        rows = folder / f"{name}.jsonl.gz"
        if rows.exists():
            for row in read_rows(rows):
                caption = " ".join(row["caption"].split())
                if name.startswith("coco") or _THINGS_FIRST.match(caption):
                    yield [caption], False
    rows = folder / "iiw_long_captions.jsonl.gz"
    if rows.exists():
        for row in read_rows(rows):
            if row["human"]:
                yield [one.strip() for one in split_sentences(row["caption"])], True


def _is_fit(sentence: str) -> bool:
    """Return whether a sentence describes a picture in ordinary words without names."""
    return bool(
        _FEWEST_WORDS <= sentence.count(" ") + 1 <= _MOST_WORDS
        and _PLAIN.fullmatch(sentence)
        and not _NAME.search(sentence)
        and not _UNFIT.search(sentence)
        and not blocklist_matches(sentence)
    )


def _folded(text: str) -> str:
    return " ".join(_words(text))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
