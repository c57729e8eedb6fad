"""Tags by the first letters that a person typed, for the completion of words in a text box.

The vocabulary is the pair table's and the dictionary's. A tag is found by its own words, by other
spellings of it, and by its words in Chinese, Japanese, Korean and Russian. Names of artists and
characters are kept as hashes (`names.py`), so they cannot be listed.
"""

from __future__ import annotations

import heapq
import re
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .vocabulary.blocklist import blocklist_matches
from .vocabulary.pairs import PairTable, shipped_pairs
from .vocabulary.translations import Dictionary, shipped_dictionary

MOST_MATCHES = 50
# Longer texts are no beginning of a tag.
LONGEST_QUERY = 100

_BLANKS = re.compile(r"[\s_]+")
_WORD_STARTS = re.compile(r"(?<=[ \-(/])\w")
# Above every character of a key.
_AFTER_ALL = "\U0010ffff"


class TagMatch(NamedTuple):
    """A tag, and the spelling or word that found it; `word` is empty where the tag itself did."""

    tag: str
    word: str


class _Key(NamedTuple):
    """A place where a search may begin.

    `text` is the rest of a spelling from one of its words on. `order` is 0 for a whole tag, 1 for
    another spelling or a word of another language, 2 for a later word of a tag.
    """

    text: str
    order: int
    rank: int
    tag: str
    word: str


@dataclass(frozen=True)
class TagIndex:
    """The sorted keys of all tags, and the simplified form of traditional Chinese characters."""

    keys: list[_Key]
    folding: Mapping[int, str]

    def search(self, typed: str, limit: int = 10) -> list[TagMatch]:
        """Return up to `limit` tags that begin with `typed`, then those with such a later word.

        An exact match comes first, then the commonest tags. Case, underscores and traditional
        characters make no difference. Nothing is found for an empty text.
        """
        query = self._plain(typed)
        if not query or len(query) > LONGEST_QUERY:
            return []
        first = bisect_left(self.keys, query, key=lambda key: key.text)
        last = bisect_left(self.keys, query + _AFTER_ALL, lo=first, key=lambda key: key.text)
        limit = max(0, min(limit, MOST_MATCHES))
        # A tag may have several keys that match.
        best: dict[str, tuple[bool, int, int, int, str]] = {}
        for key in self.keys[first:last]:
            is_longer = key.text != query or key.order == 2
            place = (is_longer, key.order, key.rank, len(key.text), key.word)
            if key.tag not in best or place < best[key.tag]:
                best[key.tag] = place
        chosen = heapq.nsmallest(limit, best, key=lambda tag: (best[tag], tag))
        return [TagMatch(tag, best[tag][-1]) for tag in chosen]

    def _plain(self, typed: str) -> str:
        # A slice first: the query comes from a request, and may be of any length.
        text = _BLANKS.sub(" ", typed[: 2 * LONGEST_QUERY]).strip().lower()
        return text.translate(self.folding)


def build_index(pairs: PairTable, dictionary: Dictionary) -> TagIndex:
    """Return the index of the tags of both sources without those of the blocklist."""
    ranked = sorted(
        range(len(pairs.names)),
        # Tags of image boards first: the other entries are nouns of captions.
        key=lambda entry: (not pairs.is_tag(entry), -pairs.log_share(entry), pairs.names[entry]),
    )
    names = [pairs.names[entry] for entry in ranked]
    translated = list(_translated(dictionary))
    rest = sorted({tag for _, tag in translated}.difference(names))
    ranks = {tag: rank for rank, tag in enumerate((*names, *rest)) if not blocklist_matches(tag)}
    aliases = [
        (spelling, pairs.names[entry])
        for spelling, entry in pairs.spellings.items()
        if spelling != pairs.names[entry]
    ]
    keys = [key for tag, rank in ranks.items() for key in _tag_keys(tag, rank)]
    keys += [
        _Key(word, 1, ranks[tag], tag, word)
        for word, tag in dict.fromkeys((*aliases, *translated))
        if tag in ranks and not blocklist_matches(word)
    ]
    return TagIndex(sorted(keys), dictionary.folding)


def _tag_keys(tag: str, rank: int) -> Iterator[_Key]:
    lower = tag.lower()
    yield _Key(lower, 0, rank, tag, "")
    for match in _WORD_STARTS.finditer(lower):
        yield _Key(lower[match.start() :], 2, rank, tag, "")


def _translated(dictionary: Dictionary) -> Iterator[tuple[str, str]]:
    """Yield each word of another language that has one tag, and the tag."""
    for words in (dictionary.chinese_first, dictionary.japanese_first, dictionary.russian):
        for word, entry in words.items():
            if len(entry.tags) == 1 and not entry.tags[0].isdigit():
                yield word, entry.tags[0]


_lock = threading.Lock()
_built: list[TagIndex] = []  # the index of the shipped tags, after the first search


def shipped_tags() -> TagIndex:
    """Return the index of the pack's own tags, built on the first call."""
    if not _built:
        with _lock:
            if not _built:
                _built.append(build_index(shipped_pairs(), shipped_dictionary()))
    return _built[0]
