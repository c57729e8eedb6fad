"""Tags by the first letters that a person typed, for the completion of words in a text box.

The vocabulary is the pair table's and the dictionary's, and the quality words and negative words of
the shipped model families. A tag is found by its own words, by other spellings of it, and by its
words in Chinese, Japanese, Korean and Russian, in Russian by every form of a word. Names of artists
and characters are kept as hashes (`names.py`), so they cannot be listed.
"""

from __future__ import annotations

import heapq
import re
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from .families.family_files import family_files
from .families.family_loading import load_families
from .vocabulary.blocklist import blocklist_matches
from .vocabulary.pairs import PairTable, shipped_pairs
from .vocabulary.translations import Dictionary, russian_stem, shipped_dictionary

MOST_MATCHES = 50
# Longer texts are no beginning of a tag.
LONGEST_QUERY = 100

_BLANKS = re.compile(r"[\s_]+")
_WORD_STARTS = re.compile(r"(?<=[ \-(/])\w")
# Above every character of a key.
_AFTER_ALL = "\U0010ffff"
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_YO = MappingProxyType({ord("\u0451"): "\u0435"})
# Words of clothes that the shipped model does not write, but a person may.
_CLOTHES = frozenset(("bikini", "swimsuit", "thighhighs"))
# Spellings of one word; each one finds the tags with another.
_SPELLINGS = (
    *(("gray", "grey"), ("blond", "blonde"), ("color", "colour"), ("colored", "coloured")),
    *(("multicolored", "multicoloured"), ("armor", "armour"), ("armored", "armoured")),
    *(("jewelry", "jewellery"), ("pajamas", "pyjamas"), ("mustache", "moustache")),
    *(("theater", "theatre"), ("center", "centre"), ("harbor", "harbour"), ("tire", "tyre")),
    *(("donut", "doughnut"), ("plow", "plough"), ("airplane", "aeroplane"), ("ax", "axe")),
    *(("checkered", "chequered"), ("catalog", "catalogue"), ("fiber", "fibre")),
)
_OTHER_SPELLING = MappingProxyType(
    {word: other for one, two in _SPELLINGS for word, other in ((one, two), (two, one))}
)
_WORD = re.compile(r"[a-z]+")


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
        limit = max(0, min(limit, MOST_MATCHES))
        # A tag may have several keys that match.
        best: dict[str, tuple[bool, int, int, int, str]] = {}
        for key, is_exact in self._matches(query):
            is_longer = not is_exact or key.order == 2
            place = (is_longer, key.order, key.rank, len(key.text), key.word)
            if key.tag not in best or place < best[key.tag]:
                best[key.tag] = place
        chosen = heapq.nsmallest(limit, best, key=lambda tag: (best[tag], tag))
        return [TagMatch(tag, best[tag][-1]) for tag in chosen]

    def _matches(self, query: str) -> Iterator[tuple[_Key, bool]]:
        """Yield the keys that begin with the query, and whether they are the query."""
        for key in self._beginning_with(query):
            yield key, key.text == query
        stem = russian_stem(query) if _CYRILLIC.search(query) else query
        if stem == query:
            return
        # The last word is complete if it has lost an ending, else more letters may follow.
        is_complete = stem.split()[-1] != query.split()[-1]
        for key in self._beginning_with(stem):
            if not is_complete or key.text[len(stem) : len(stem) + 1] in ("", " "):
                yield key, key.text == stem

    def _beginning_with(self, query: str) -> list[_Key]:
        first = bisect_left(self.keys, query, key=lambda key: key.text)
        last = bisect_left(self.keys, query + _AFTER_ALL, lo=first, key=lambda key: key.text)
        return self.keys[first:last]

    def _plain(self, typed: str) -> str:
        # A slice first: the query comes from a request, and may be of any length.
        text = _BLANKS.sub(" ", typed[: 2 * LONGEST_QUERY]).strip().lower()
        return text.translate(self.folding).translate(_YO)


def build_index(
    pairs: PairTable, dictionary: Dictionary, quality_words: Iterable[str] = ()
) -> TagIndex:
    """Return the index of the tags of all sources without those of the blocklist."""
    ranked = sorted(
        range(len(pairs.names)),
        key=lambda entry: (-pairs.log_share(entry), pairs.names[entry]),
    )
    # Tags of image boards first: the other entries are nouns of captions.
    tags = [pairs.names[entry] for entry in ranked if pairs.is_tag(entry)]
    nouns = [pairs.names[entry] for entry in ranked if not pairs.is_tag(entry)]
    quality = [word for word in quality_words if _plain(word) not in pairs.spellings]
    translated = list(_translated(dictionary))
    names = dict.fromkeys((*tags, *quality, *nouns))
    rest = sorted({tag for _, tag, _ in translated}.difference(names))
    ranks = {tag: rank for rank, tag in enumerate((*names, *rest)) if _is_offered(tag)}
    aliases = [
        (spelling, pairs.names[entry], spelling)
        for spelling, entry in pairs.spellings.items()
        if spelling != pairs.names[entry]
    ]
    variants = [(word, tag, word) for tag in ranks for word in _other_spellings(tag, ranks)]
    keys = [key for tag, rank in ranks.items() for key in _tag_keys(tag, rank)]
    keys += [
        _Key(text, 1, ranks[tag], tag, word)
        for text, tag, word in dict.fromkeys((*aliases, *variants, *translated))
        if tag in ranks and not blocklist_matches(word)
    ]
    return TagIndex(sorted(keys), dictionary.folding)


def _is_offered(tag: str) -> bool:
    return tag in _CLOTHES or not blocklist_matches(tag)


def _plain(tag: str) -> str:
    return tag.lower().replace("_", " ")


def _other_spellings(tag: str, known: Mapping[str, int]) -> Iterator[str]:
    """Yield the tag with other spellings of its words, if it is no tag of its own."""
    lower = _plain(tag)
    other = _WORD.sub(lambda match: _OTHER_SPELLING.get(match[0], match[0]), lower)
    if other != lower and other not in known:
        yield other


def _tag_keys(tag: str, rank: int) -> Iterator[_Key]:
    lower = _plain(tag)
    yield _Key(lower, 0, rank, tag, "")
    for match in _WORD_STARTS.finditer(lower):
        yield _Key(lower[match.start() :], 2, rank, tag, "")


def _translated(dictionary: Dictionary) -> Iterator[tuple[str, str, str]]:
    """Yield the text that finds a tag, the tag, and the word of another language to show.

    A Russian word is found by its letters and by its stem. Entries of several tags are left out.
    """
    for words in (dictionary.chinese_first, dictionary.japanese_first):
        for word, entry in words.items():
            if _has_one_tag(entry.tags):
                yield word, entry.tags[0], word
    shown: dict[tuple[str, str], str] = {}
    for word, entry in dictionary.russian_words.items():
        if _has_one_tag(entry.tags):
            yield word.translate(_YO), entry.tags[0], word
            shown.setdefault((russian_stem(word), entry.tags[0]), word)
    for (stem, tag), word in shown.items():
        yield stem, tag, word


def _has_one_tag(tags: tuple[str, ...]) -> bool:
    return len(tags) == 1 and not tags[0].isdigit()


def family_words() -> list[str]:
    """Return the quality words of the shipped families, then their negative words.

    The words of most families come first.
    """
    families, _ = load_families(family_files())
    quality = Counter(word for one in families for word in one.words)
    negative = Counter(word for one in families for word in one.negative)
    return list(
        dict.fromkeys(word for word, _ in (*quality.most_common(), *negative.most_common()))
    )


_lock = threading.Lock()
_built: list[TagIndex] = []  # the index of the shipped tags, after the first search


def shipped_tags() -> TagIndex:
    """Return the index of the pack's own tags, built on the first call."""
    if not _built:
        with _lock:
            if not _built:
                _built.append(build_index(shipped_pairs(), shipped_dictionary(), family_words()))
    return _built[0]
