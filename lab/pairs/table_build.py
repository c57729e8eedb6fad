"""Bring the corpora and the hand lists together into one pair table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.pairs import (
    ARTWORKS,
    PERSONS,
    TAG_LISTS,
    TEXTS,
    WRITTEN,
    PairTable,
)
from tipo_core.prompt.vocabulary.word_forms import singular_forms

from . import hand_lists
from .corpus_sets import (
    POSTS,
    WordFinder,
    artwork_sets,
    caption_nouns,
    caption_sets,
    read_rows,
    read_tags,
    thing_pairs,
)
from .pair_lifts import NEVER_LIFT, Corpus, Merged, build_table, count_sets, merge
from .word_kinds import word_kind

# Pictures that make a noun of captions or of artworks an entry.
_LEAST_CAPTIONS = 12
_LEAST_ARTWORKS = 12
# Kinds that captions name reliably; `sitting` or `smile` in a caption is rarely the tag.
_NAMED_KINDS = frozenset(
    """thing animal plant food place nature weather time season person light material world
    background count""".split()
)
# Share of a word that only the hand lists have.
_WRITTEN_SHARE = 2e-4
# Qualifiers of a tag that leave the bare word its first meaning; `stand (jojo)` is no stand.
_QUALIFIERS = frozenset(
    """animal bird flower food fruit object sky planet weapon instrument bottle container hardware
    plant gemstone music season toy computing furniture""".split()
)
# Words that mean something else as often.
_AMBIGUOUS = frozenset(("crane", "bow", "nail", "bolt"))
# Subject of a scene that stands for all entries of one kind without a scene of their own.
_KIND_SUBJECT = "kind "
# A written pair has at least this lift, however common its tag is.
_LEAST_WRITTEN_LIFT = 0.2
# A tag is at most this common beside a subject: lifts of common tags stay comparable.
_LARGEST_SHARE = 0.3


def build_from(data: Path) -> PairTable:
    """Build the table from a folder of corpora. Raises OSError if a file is missing."""
    tags = read_tags(data)
    by_hand = hand_lists.read_kinds()
    aliases = {
        alias: name
        for alias, name in hand_lists.read_aliases().items()
        if not blocklist_matches(alias)
    }
    stop, left_out = hand_lists.read_stop()
    scenes = hand_lists.read_scenes()
    apart = hand_lists.read_apart()
    aliases.update(_plural_aliases(scenes, tags.counts))
    classes = _wordnet_classes(data)
    captions = caption_sets(data)
    artworks = artwork_sets(data)

    # 1) the vocabulary
    scene_words = {word for scene in scenes for word in (*scene.subjects, *scene.shares)}
    scene_words |= {word for left, right in apart for word in (*left, *right)} | set(by_hand)
    nouns = (set(classes) | scene_words) - set(tags.counts) - set(aliases) - stop
    common = set(caption_nouns(captions, nouns, _LEAST_CAPTIONS))
    common |= _artwork_words(artworks, nouns)
    scene_words = {word for word in scene_words - set(aliases) if not _is_kind(word)}
    names = {
        name
        for name in (*tags.counts, *common, *scene_words, *aliases.values())
        if name not in stop and name not in aliases and not blocklist_matches(name)
    }
    kinds = {
        name: word_kind(name, by_hand, tags.is_thing.get(name), classes) for name in sorted(names)
    }
    _sort_by_company(kinds, scenes)
    aliases.update(_short_aliases(names | set(aliases)))
    finder = WordFinder([name for name in names if kinds[name] in _NAMED_KINDS] + list(aliases))

    # 2) the counts
    def found(text: str) -> set[str]:
        return {aliases.get(name, name) for name in finder.find(text)} & names

    text_sets = [(found(text), 1.0) for text in captions]
    art_sets = [(found(" . ".join(words)), float(count)) for words, count in artworks]
    text_counts, text_pairs = count_sets(text_sets)
    art_counts, art_pairs = count_sets(art_sets)
    corpora = [
        Corpus(TAG_LISTS, "tags", POSTS, tags.counts, tags.pairs),
        Corpus(TEXTS, "texts", len(text_sets), text_counts, text_pairs, knows_missing=True),
        Corpus(ARTWORKS, "texts", sum(weight for _, weight in art_sets), art_counts, art_pairs),
        _thing_corpus(data, finder, aliases, names),
    ]
    shares = _shares(names, tags.counts, text_counts, len(text_sets), art_counts, art_sets)
    merged = merge(corpora, left_out)

    # 3) the lists written by hand
    scenes = _with_kinds(scenes, kinds, aliases)
    general = _wanted(scenes, aliases, names, of_persons=False)
    # Pairs of persons first: where both say something of a pair, the general scene holds.
    of_persons = _wanted(scenes, aliases, names, of_persons=True)
    _add_written(merged, {k: v for k, v in of_persons.items() if k not in general}, PERSONS, shares)
    _add_written(merged, general, WRITTEN, shares)
    for left, right in apart:
        for one in left:
            for other in right:
                if one != other and {one, other} <= names:
                    merged.set_pair(one, other, NEVER_LIFT, WRITTEN)
                    merged.set_pair(other, one, NEVER_LIFT, WRITTEN)
    return build_table(merged, kinds, shares, aliases)


def _is_kind(subject: str) -> bool:
    return subject.startswith(_KIND_SUBJECT)


def _with_kinds(
    scenes: list[hand_lists.Scene], kinds: Mapping[str, str], aliases: Mapping[str, str]
) -> list[hand_lists.Scene]:
    """Return the scenes, those of a whole kind with the entries that no other scene names."""
    named = {aliases.get(word, word) for scene in scenes for word in scene.subjects}
    found = []
    for scene in scenes:
        if _is_kind(scene.subjects[0]):
            kind = scene.subjects[0].removeprefix(_KIND_SUBJECT)
            rest = (name for name, one in kinds.items() if one == kind and name not in named)
            scene = hand_lists.Scene(tuple(rest), scene.shares)
        found.append(scene)
    return found


def _wordnet_classes(data: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the first class of each noun: a help to sort the nouns of captions."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for row in read_rows(data / "wordnet_things.jsonl.gz"):
        word = row["word"].lower()
        if len(word) > 2:
            found.setdefault(word, (row["kind"], tuple(row.get("is_a", ()))))
    return found


def _plural_aliases(scenes: list[hand_lists.Scene], tags: Mapping[str, int]) -> dict[str, str]:
    """Return the singular of each plural in the scenes, unless the plural is a tag."""
    words = {word for scene in scenes for word in (*scene.subjects, *scene.shares)}
    known = words | set(tags)
    found: dict[str, str] = {}
    for word in words - set(tags):
        start, _, last = word.rpartition(" ")
        for form in singular_forms(last):
            name = f"{start} {form}".strip()
            if name in known:
                found.setdefault(word, name)
    return found


def _artwork_words(artworks: list[tuple[list[str], int]], nouns: set[str]) -> set[str]:
    finder = WordFinder(nouns)
    counts: Counter[str] = Counter()
    for words, weight in artworks:
        for word in finder.find(" . ".join(words)):
            counts[word] += weight
    return {word for word, count in counts.items() if count >= _LEAST_ARTWORKS}


def _sort_by_company(kinds: dict[str, str], scenes: list[hand_lists.Scene]) -> None:
    """Give a subject without a kind the commonest kind of its first scene's subjects."""
    unsorted = {name for name, kind in kinds.items() if kind == "other"}
    for scene in scenes:
        known = [kinds[one] for one in scene.subjects if one in kinds and one not in unsorted]
        company = Counter(kind for kind in known if kind in _NAMED_KINDS)
        for subject in scene.subjects:
            if company and kinds.get(subject) == "other":
                kinds[subject] = company.most_common(1)[0][0]


def _short_aliases(known: set[str]) -> dict[str, str]:
    """Return ``lily`` for ``lily (flower)``, where the short word has no entry of its own."""
    found: dict[str, str] = {}
    for name in sorted(known):
        short, bracket, qualifier = name.partition(" (")
        is_meant = qualifier.rstrip(")") in _QUALIFIERS and short not in _AMBIGUOUS
        if bracket and is_meant and short not in known:
            found.setdefault(short, name)
    return found


def _thing_corpus(
    data: Path, finder: WordFinder, aliases: Mapping[str, str], names: set[str]
) -> Corpus:
    """Return the pairs of things as a corpus; the counts of words are the sums of their pairs."""
    pairs: Counter[tuple[str, str]] = Counter()
    counts: Counter[str] = Counter()
    for words, count in thing_pairs(data).items():
        one, other = (
            aliases.get(name, name) for name in (finder.name(word.split()) for word in words)
        )
        if one != other and one in names and other in names:
            pairs[min(one, other), max(one, other)] += count
            counts[one] += count
            counts[other] += count
    return Corpus(TEXTS, "texts", sum(counts.values()), counts, pairs)


def _shares(
    names: set[str],
    tag_counts: Mapping[str, int],
    text_counts: Mapping[str, float],
    texts: int,
    art_counts: Mapping[str, float],
    art_sets: list[tuple[set[str], float]],
) -> dict[str, tuple[float, float]]:
    arts = sum(weight for _, weight in art_sets)
    shares = {}
    for name in names:
        tag_share = tag_counts.get(name, 0) / POSTS
        text_share = max(text_counts.get(name, 0) / texts, art_counts.get(name, 0) / arts)
        if not tag_share and not text_share:
            text_share = _WRITTEN_SHARE
        shares[name] = (min(_LARGEST_SHARE, tag_share), min(_LARGEST_SHARE, text_share))
    return shares


def _wanted(
    scenes: list[hand_lists.Scene],
    aliases: Mapping[str, str],
    names: set[str],
    *,
    of_persons: bool,
) -> dict[tuple[str, str], float]:
    """Return the written share of each pair; of several scenes, the largest.

    A tag written as unfit for a subject is unfit, whatever the other scenes say.
    """
    wanted: dict[tuple[str, str], float] = {}
    for scene in scenes:
        if scene.is_of_persons != of_persons:
            continue
        for subject in scene.subjects:
            one = aliases.get(subject, subject)
            for tag, share in scene.shares.items():
                key = (one, aliases.get(tag, tag))
                if key[0] == key[1] or not set(key) <= names:
                    continue
                if share == 0 or wanted.get(key) == 0:
                    wanted[key] = 0.0
                else:
                    wanted[key] = max(share, wanted.get(key, 0.0))
    return wanted


def _add_written(
    merged: Merged,
    wanted: Mapping[tuple[str, str], float],
    source: int,
    shares: Mapping[str, tuple[float, float]],
) -> None:
    """Add written pairs. A tag with share 0 excludes its subject, and the subject the tag."""
    never = {key for key, share in wanted.items() if share == 0}
    for one, other in sorted(never):
        merged.set_pair(one, other, NEVER_LIFT, source)
        merged.set_pair(other, one, NEVER_LIFT, source)
    for (one, other), share in wanted.items():
        if (one, other) in never or (other, one) in never:
            continue
        known = [value for value in shares[other] if value]
        lift = math.log(share * len(known) / sum(known))
        counted = merged.lifts.get((one, other), lift)
        # A counted lift moves a written one by half of the difference, and by half a nat at most.
        lift += 0.5 * max(-1.0, min(1.0, counted - lift))
        merged.set_pair(one, other, max(_LEAST_WRITTEN_LIFT, lift), source)
