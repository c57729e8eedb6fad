"""Exclusive slots: of hair colours, times of day or places, a picture has one value.

The table is `assets/slots/slots.txt`. A slot counts for the picture, or for each person in it: two
girls may have two hair colours. Some tags open a slot (`multicolored hair`), and so do values of
the user that exclude each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from .tags import canonical
from .word_tables import PhraseTable, entries, folded, sections, tokens

_WORDS = "words"
_GAP, _NOT_BEFORE, _NOT_AFTER, _COMPOUNDS = "gap", "not before", "not after", "compounds"
_FORMS, _ITEMS, _OF, _OPEN, _TOGETHER = "forms", "items", "of", "open", "together"
_KEYS = frozenset((_FORMS, _ITEMS, _OF, _OPEN, _TOGETHER))
# A sentence with more words is judged by its first ones.
_MOST_WORDS = 4096

# What a phrase says: the slot and its value; the value is empty for words that open the slot.
Says = tuple[tuple[str, str], ...]


@dataclass
class Slot:
    """One slot: its values are exclusive, but for the pairs in `together`."""

    name: str
    of_person: bool = False
    values: dict[str, set[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)  # words that count as a whole tag only
    opens: set[str] = field(default_factory=set)
    together: set[frozenset[str]] = field(default_factory=set)

    def excludes(self, one: str, other: str) -> bool:
        """Return whether no person, or no picture, has both values."""
        return one != other and frozenset((one, other)) not in self.together


@dataclass(frozen=True)
class SlotTable:
    """All slots, and the words that say a value."""

    slots: dict[str, Slot]
    tags: dict[str, Says]
    phrases: PhraseTable[Says]
    not_before: frozenset[str]
    not_after: frozenset[str]

    def said_by_tag(self, tag: str) -> set[tuple[str, str]]:
        """Return the slots and values that a tag names, in any spelling."""
        name = folded(canonical(tag))
        exact = self.tags.get(name)
        return set(exact) if exact is not None else self.said_by_text(name)

    def said_by_text(self, text: str) -> set[tuple[str, str]]:
        """Return the slots and values that a sentence names."""
        return self._said(tokens(text)[:_MOST_WORDS])

    def _said(self, words: Sequence[str]) -> set[tuple[str, str]]:
        said: set[tuple[str, str]] = set()
        for match in self.phrases.matches(words):
            before = words[match.start - 1] if match.start else ""
            after = words[match.end] if match.end < len(words) else ""
            if before not in self.not_after and after not in self.not_before:
                said.update(match.found)
        return said


class PromptSlots:
    """The slots that a prompt has filled.

    `persons` is the number of persons in the picture: None if it is open, 1 if it is unknown.
    """

    def __init__(self, persons: int | None = 1) -> None:
        self.persons = persons
        self._filled: dict[str, set[str]] = {}
        self._typed: set[str] = set()  # slots with a value of the user
        self._open: set[str] = set()

    def add(self, piece: str, *, is_sentence: bool = False, is_typed: bool = False) -> None:
        """Add a tag or a sentence. With `is_typed` it is the user's and may open a slot."""
        for name, value in sorted(_said(piece, is_sentence)):
            slot = slot_table().slots[name]
            if not value:
                if is_typed or name not in self._typed:
                    self._open.add(name)
                continue
            if is_typed:
                self._typed.add(name)
                if self._is_excluded(slot, value):
                    self._open.add(name)
            self._filled.setdefault(name, set()).add(value)

    def contradiction(self, piece: str, *, is_sentence: bool = False) -> str | None:
        """Return the slot in which a tag or sentence excludes what the prompt has, or None."""
        said = _said(piece, is_sentence)
        opened = {name for name, value in said if not value}
        for name, value in sorted(said):
            if value and name not in opened and name not in self._open:
                slot = slot_table().slots[name]
                if self._is_excluded(slot, value):
                    return name
        return None

    def _is_excluded(self, slot: Slot, value: str) -> bool:
        others = [one for one in self._filled.get(slot.name, ()) if slot.excludes(one, value)]
        if value in self._filled.get(slot.name, ()):
            return False
        if not slot.of_person:
            return bool(others)
        return self.persons is not None and len(others) >= max(1, self.persons)


def contradicting_slot(one: str, other: str, persons: int | None = 1) -> str | None:
    """Return the slot in which two tags exclude each other, or None."""
    slots = PromptSlots(persons)
    slots.add(one, is_typed=True)
    return slots.contradiction(other)


def _said(piece: str, is_sentence: bool) -> set[tuple[str, str]]:
    table = slot_table()
    return table.said_by_text(piece) if is_sentence else table.said_by_tag(piece)


@cache
def slot_table() -> SlotTable:
    """Return the shipped table, read on first use. Raises ValueError if it is damaged."""
    words: dict[str, list[str]] = {}
    slots: dict[str, Slot] = {}
    for title, lines in sections("slots.txt"):
        fields = dict(_key_and_entries(title, lines))
        if title == _WORDS:
            words = fields
            continue
        for item in fields.get(_ITEMS) or [""]:
            slot = _slot(title, fields, item, slots)
            slots[slot.name] = slot
    says: dict[str, set[tuple[str, str]]] = {folded(text): set() for text in words[_COMPOUNDS]}
    whole: dict[str, set[tuple[str, str]]] = {}
    for slot in slots.values():
        for value, texts in [*slot.values.items(), ("", slot.opens)]:
            for text in texts:
                goes_to = whole if text in slot.whole or not value else says
                goes_to.setdefault(text, set()).add((slot.name, value))
    for text, found in says.items():
        if "_" not in text:
            whole.setdefault(text, set()).update(found)
    return SlotTable(
        slots,
        {text: tuple(sorted(found)) for text, found in whole.items()},
        PhraseTable(
            {text: tuple(sorted(found)) for text, found in says.items()}, frozenset(words[_GAP])
        ),
        frozenset(words[_NOT_BEFORE]),
        frozenset(words[_NOT_AFTER]),
    )


def _key_and_entries(title: str, lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    for line in lines:
        key, colon, rest = line.partition(":")
        if not colon:
            raise ValueError(
                f"slots.txt, [{title}]: '{line[:40]}' has no colon: write VALUE: words"
            )
        yield key.strip(), list(entries([rest]))


def _slot(title: str, fields: dict[str, list[str]], item: str, slots: dict[str, Slot]) -> Slot:
    """Return one slot; `item` stands for Y in its name, forms and words."""
    slot = Slot(title.replace("Y", item), of_person=bool(fields.get(_OF)))
    slot.opens = {folded(text.replace("Y", item)) for text in fields.get(_OPEN, ())}
    for pair in fields.get(_TOGETHER, ()):
        one, _, other = pair.partition("+")
        slot.together.add(frozenset((one.strip(), other.strip())))
    for value, texts in fields.items():
        if value in _KEYS:
            continue
        words: set[str] = set()
        for text in texts:
            if text.startswith("@"):
                name, _, only = text[1:].partition(".")
                source = slots[name]
                for key, theirs in source.values.items():
                    if not only or key == only:
                        words |= theirs
                        slot.whole |= theirs & source.whole
            elif text[0] in "=!":
                words.add(folded(text[1:]))
                if text[0] == "!":
                    slot.whole.add(folded(text[1:]))
            else:
                for form in fields.get(_FORMS, ("X",)):
                    filled = form.replace("X", folded(text)).replace("Y", item)
                    words.add(" ".join(filled.casefold().split()))
        slot.values[value] = words
    return slot
