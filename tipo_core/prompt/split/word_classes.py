"""Classes of English words, one letter each: a piece of text as a pattern of its grammar.

``a cat sits on a mat`` is ``DwVPDw``. Words of open classes are judged by their endings.
"""

from __future__ import annotations

import re
from types import MappingProxyType

# Words with hyphens and apostrophes inside. Chinese and Japanese runs are cut out before.
WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")

DETERMINER, PRONOUN, AUXILIARY, VERB = "D", "R", "X", "V"
PREPOSITION, JOIN, CONTINUES, BY = "P", "J", "K", "B"
NUMBER, PARTICIPLE, PAST, ADVERB, CAPITAL, OTHER = "N", "G", "E", "L", "C", "w"

_CLASSES = MappingProxyType(
    {
        word: letter
        for letter, words in {
            VERB: (
                "sits stands wears holds looks walks smiles reads rides runs lies lays sleeps "
                "stares gazes leans shows features depicts plays eats drinks flies hangs rests "
                "waits watches carries jumps swims laughs cries dances sings reaches points kneels "
                "poses prepares takes gets makes goes comes does displays contains includes "
                "surrounds captures creates adds seems appears adorns swims floats casts stretches "
                "sways rises falls drifts glows shines emerges covers fills faces"
            ),
            DETERMINER: (
                "a an the his her its their our my your this that these those some another each "
                "every several many"
            ),
            PRONOUN: "he she it they we i you there who which what him them whose",
            AUXILIARY: "is are was were be been being has have had do does can will would could",
            PREPOSITION: (
                "of in on at from into onto near behind for under over through between beside "
                "above below around next outside inside along across against towards toward up "
                "down amidst amid beneath among to off out upon like"
            ),
            JOIN: "and or but &",
            CONTINUES: "with while as where when because before after during",
            BY: "by",
            NUMBER: "one two three four five six seven eight nine ten",
        }.items()
        for word in words.split()
    }
)

_ENDINGS = MappingProxyType({"ng": PARTICIPLE, "ed": PAST, "ly": ADVERB})


def word_class(word: str, lower: str) -> str:
    """Return the letter of a word's class; `lower` is the word in small letters."""
    known = _CLASSES.get(lower)
    if known is not None:
        return known
    if word[0].isdigit():
        return NUMBER
    if word[0].isupper():
        return CAPITAL
    if len(word) < 5:
        return OTHER
    return _ENDINGS.get(word[-2:], OTHER) if word[-3:] == "ing" or word[-2:] != "ng" else OTHER
