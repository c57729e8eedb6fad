"""Names that the pack does not know, names of artists, and words of other languages."""

from __future__ import annotations

from collections.abc import Sequence

from ..vocabulary.kinds import kind_of
from ..vocabulary.word_tables import folded
from .person_table import STOPS, person_table

# Words between `by` and a name.
_CREDIT_REACH = 40
DETERMINERS = frozenset("a an the one this that another each every his her their my our".split())
NOT_ADJECTIVES = frozenset(
    "and or of with in on at by to from for as is are was were has have the over under near".split()
)
# Endings of English words that are no names.
_WORD_ENDINGS = tuple(
    """ed ing ic al ism punk core wave ness tion ous ful ish ly age ment ity ive able less graphy
    scape like ship house""".split()
)
_PLACE_PREPOSITIONS = frozenset("in at from near to by".split())


def is_credit(words: Sequence[str], start: int) -> bool:
    """Return whether the name at `start` is an artist's: `by A, B and C`, `in the style of D`."""
    run = 0  # words since the last comma or `and`
    for back in range(1, min(start, _CREDIT_REACH) + 1):
        word = words[start - back]
        if word == "by":
            return True
        if word == "of" and start > back and words[start - back - 1] == "style":
            return True
        if word in (",", "and"):
            run = 0
            continue
        run += 1
        if run > 3 or word in STOPS or word in DETERMINERS or word in NOT_ADJECTIVES:
            return False
    return False


def is_unknown_name(name: str) -> bool:
    """Return whether no word of a tag is an ordinary one, so that it may be a person's name."""
    table = person_table()
    words = folded(name).split()
    return kind_of(name) is None and all(
        not word.isascii() or (table.is_rare(word) and not word.endswith(_WORD_ENDINGS))
        for word in words
    )


def is_foreign(words: Sequence[str]) -> bool:
    """Return whether most words are of another language."""
    letters = [
        word
        for place, word in enumerate(words)
        if word not in STOPS and not word.isdigit() and not is_credit(words, place)
    ]
    strange = sum(not word.isascii() or person_table().is_rare(word) for word in letters)
    return bool(letters) and (
        any(ord(word[0]) > 0x2E80 for word in letters)
        or (len(letters) > 3 and 2 * strange > len(letters))
    )


def has_unknown_name(text: str) -> bool:
    """Return whether a capitalised word inside a sentence may be a person's name."""
    table = person_table()
    words = text.split()
    if sum(word[:1].isupper() for word in words) > len(words) / 2 and len(words) > 3:
        return False  # a title
    in_credits = False
    for place, word in enumerate(words):
        # `by Vincent van Gogh and Claude Monet`
        is_joint = word[:1].isupper() or word in ("and", "&", "van", "von", "de", "da", "di", "of")
        in_credits = word.casefold() == "by" or (in_credits and is_joint)
        if in_credits:
            continue
        bare = word.strip(".,;:!?()\"'").removesuffix("'s")
        is_name = bare[:1].isupper() and bare[1:].islower() and len(bare) > 2
        after = words[place + 1] if place + 1 < len(words) else ""
        if place == 0 or words[place - 1].endswith((".", "!", "?")):
            # Every sentence begins with a capital: `Zelensky eating`, `Zendaya Coleman`.
            is_name = is_name and (after.endswith("ing") or after[:1].isupper())
        before = words[place - 1].casefold() if place else ""
        if is_name and before not in _PLACE_PREPOSITIONS and table.is_rare(bare.casefold()):
            return not bare.casefold().endswith(_WORD_ENDINGS)
    return False
