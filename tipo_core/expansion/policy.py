"""What may be added: nothing twice, no contradiction, nothing banned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ..prompt import Bans, canonical, contradicts, person_count, split_sentences
from ..prompt.vocabulary.blocklist import blocklist_matches
from .tasks import Field

REPEATED = "repeated"
CONTRADICTS = "contradicts"
PROSE = "prose"
BLOCK_LIST = "block list"

# A sentence ended and the next one begun. A full stop alone is no sign: `kimi no na wa.` is a tag,
# and so is `st. gloriana's military uniform`.
_SENTENCES = re.compile(r"\w{2}\.\s+[A-Z]")


def is_prose(tag: str) -> bool:
    """Return whether a model wrote sentences where a tag was to be."""
    return bool(_SENTENCES.search(tag))


def by_rule(rejected: Mapping[str, int]) -> dict[str, int]:
    """Return those of the rejections that a ban rule or the block list caused."""
    return {
        entry: n for entry, n in rejected.items() if entry not in (REPEATED, CONTRADICTS, PROSE)
    }


class Judge:
    """Knows the tags and sentences that are there, and refuses new ones with a reason.

    `tags` and `captions` (the text of a field) are what is given; they are never judged.
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
        self.present: set[str] = set()
        self._counts: list[str] = []
        self._sentences: set[tuple[Field, str]] = set()
        for tag in tags:
            self.take(Field.TAG, tag)
        for field, caption in captions.items():
            for sentence in split_sentences(caption):
                self.take(field, sentence)

    def take(self, field: Field, piece: str) -> None:
        """Count `piece`, a tag or a sentence, to what is there."""
        if field is not Field.TAG:
            self._sentences.add((field, _sentence_name(piece)))
            return
        self.present.add(canonical(piece))
        if person_count(piece) is not None:
            self._counts.append(piece)

    def refuse(self, field: Field, piece: str) -> str | None:
        """Return why `piece` must not be added, or None."""
        if field is Field.TAG:
            name = canonical(piece)
            if not name or name in self.present:
                return REPEATED
            if any(contradicts(piece, other) for other in self._counts):
                return CONTRADICTS
            if is_prose(piece):
                return PROSE
            entry = self.bans.reason(piece, self.present)
        else:
            if (field, _sentence_name(piece)) in self._sentences:
                return REPEATED
            entry = self.bans.sentence_reason(piece, self.present)
        if entry is None and self.safe and blocklist_matches(piece):
            return BLOCK_LIST
        return entry

    def refuse_meta(self, key: str, value: str) -> str | None:
        """Return why the metadata `key: value` must not be proposed, or None."""
        entry = self.bans.category_reason(key, self.present)
        entry = entry or self.bans.reason(value, self.present)
        if entry is None and self.safe and blocklist_matches(value):
            return BLOCK_LIST
        return entry


def _sentence_name(sentence: str) -> str:
    return " ".join(sentence.split()).casefold()
