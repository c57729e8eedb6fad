"""Which tags and sentences may be added: no repetition, no contradiction, nothing banned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ..prompt import Bans, canonical, person_range, ranges_contradict, split_sentences
from ..prompt.vocabulary.blocklist import blocklist_matches
from .tasks import Field

# Reasons of a refusal; every other reason is an entry of the bans.
REPEATED = "repeated"
CONTRADICTS = "contradicts"
PROSE = "prose"
BLOCK_LIST = "block list"

# A sentence ends and the next one begins. A full stop alone is not a sign: `kimi no na wa.` and
# `st. gloriana's military uniform` are tags.
_TWO_SENTENCES = re.compile(r"\w{2}\.\s+[A-Z]")


def is_prose(tag: str) -> bool:
    """Return whether the model wrote sentences in place of a tag."""
    return bool(_TWO_SENTENCES.search(tag))


def banned_counts(rejected: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of the rejections that an entry of the bans or the block list caused."""
    return {
        reason: count
        for reason, count in rejected.items()
        if reason not in (REPEATED, CONTRADICTS, PROSE)
    }


class TagPolicy:
    """Knows the tags and sentences of a prompt; refuses new ones with a reason.

    `tags` and `captions` (the text of each field) are the user's and are not judged. `safe` turns
    the block list on.
    """

    def __init__(
        self,
        tags: Iterable[str] = (),
        captions: Mapping[Field, str] = MappingProxyType({}),
        *,
        bans: Bans | None = None,
        safe: bool = False,
    ) -> None:
        self.bans = bans or Bans()
        self.safe = safe
        # The canonical names of the prompt's tags.
        self.present: set[str] = set()
        self._person_ranges: list[tuple[str, int, int | None]] = []
        self._sentences: set[tuple[Field, str]] = set()
        for tag in tags:
            self.accept(Field.TAG, tag)
        for field, caption in captions.items():
            for sentence in split_sentences(caption):
                self.accept(field, sentence)

    def accept(self, field: Field, piece: str) -> None:
        """Add `piece`, a tag or a sentence, to the prompt."""
        if field is not Field.TAG:
            self._sentences.add((field, _folded(piece)))
            return
        name = canonical(piece)
        self.present.add(name)
        persons = person_range(name)
        if persons is not None:
            self._person_ranges.append(persons)

    def refuse(self, field: Field, piece: str) -> str | None:
        """Return the reason why `piece` must not be added, None if it may."""
        if field is Field.TAG:
            name = canonical(piece)
            if not name or name in self.present:
                return REPEATED
            persons = person_range(name)
            for other in self._person_ranges:
                if ranges_contradict(persons, other):
                    return CONTRADICTS
            if is_prose(piece):
                return PROSE
            entry = self.bans.reason(piece, self.present)
        else:
            if (field, _folded(piece)) in self._sentences:
                return REPEATED
            entry = self.bans.sentence_reason(piece, self.present)
        if entry is None and self.safe and blocklist_matches(piece):
            return BLOCK_LIST
        return entry

    def refuse_meta(self, key: str, value: str) -> str | None:
        """Return the reason why metadata `key: value` must not be proposed, None if it may."""
        entry = self.bans.category_reason(key, self.present)
        entry = entry or self.bans.reason(value, self.present)
        if entry is None and self.safe and blocklist_matches(value):
            return BLOCK_LIST
        return entry


def _folded(sentence: str) -> str:
    """Return a sentence in the form in which two spellings compare equal."""
    return " ".join(sentence.split()).casefold()
