"""What the random models write: text in TIPO's shape, made of words that mean nothing.

A random model would write anything and never end, so that no two programs would do the same work
for a request. So some entries of the vocabulary stand in a chain: behind a tag line comes a place
of it that only a few entries fill, behind that the next place, and so on to the end token. The
model draws among the entries of a place, so texts differ with the seed, and every program that
asks for a whole answer gets the same number of tokens: 44 tags of four tokens, or six sentences
of 24.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAGS, TOKENS_PER_TAG = 44, 4
SENTENCES, TOKENS_PER_SENTENCE = 6, 24
# How many entries there are to draw from at each place.
CHOICES = 6

# Places of the chain. What is in none of them leads to the first.
BEHIND_ANYTHING, BEHIND_A_COMMA, SECOND_OF_TAG = 0, 1, 2
FIRST_OF_CAPTION = TAGS * TOKENS_PER_TAG + 1
END = FIRST_OF_CAPTION + SENTENCES * TOKENS_PER_SENTENCE
PLACES = END + 1

# Letters of which no three syllables make a word that a block list could know.
_CONSONANTS, _VOWELS = "bfgkmntvz", "aeiou"


@dataclass(frozen=True)
class Words:
    """A vocabulary: a `tokenizer.json` and the places of its chain.

    `place` says where in the chain an entry stands, `leads_to` which place follows it; both by id,
    and only for the entries that are not like most: in no place, and leading to the first one.
    """

    tokenizer: Mapping[str, Any]
    place: Mapping[int, int]
    leads_to: Mapping[int, int]

    @property
    def texts(self) -> list[str]:
        """The entries by id, as they are stored."""
        vocabulary = self.tokenizer["model"]["vocab"]
        return sorted(vocabulary, key=vocabulary.__getitem__)

    @property
    def merges(self) -> list[str]:
        """The merges as GGUF and older tokenizer files write them."""
        merges = self.tokenizer["model"]["merges"]
        return [one if isinstance(one, str) else " ".join(one) for one in merges]

    def id_of(self, text: str) -> int:
        """Return the id of an entry."""
        return int(self.tokenizer["model"]["vocab"][text])


def made_up_words(tokenizer: Path, size: int) -> Words:
    """Return the vocabulary in the file `tokenizer`, with the chain, filled up to `size` entries.

    The file is a byte-level BPE with the special tokens `<s>` and `</s>`. Whole words are looked
    up before anything is merged, so that what the chain writes is encoded as one token a word.
    """
    stored = json.loads(tokenizer.read_text(encoding="utf-8"))
    stored["model"]["ignore_merges"] = True
    vocabulary: dict[str, int] = stored["model"]["vocab"]
    place = {vocabulary["</s>"]: END}
    leads_to = {vocabulary[","]: BEHIND_A_COMMA, vocabulary[":"]: FIRST_OF_CAPTION}
    for word, where, form, following in _chain():
        id_ = vocabulary.setdefault(form.format(f"\u0120{word}"), len(vocabulary))
        vocabulary.setdefault(f"\u0120{word}", len(vocabulary))
        place[id_], leads_to[id_] = where, following
    if len(vocabulary) > size:
        raise ValueError(f"the chain needs {len(vocabulary)} entries, there are {size}")
    for id_ in range(len(vocabulary), size):
        vocabulary[f"[UNUSED{id_}]"] = id_
    return Words(stored, place, leads_to)


def _chain() -> list[tuple[str, int, str, int]]:
    """Return word, place, form and next place of all entries; `{}` in a form is a blank and it."""
    places = [
        (BEHIND_ANYTHING, ",{}", SECOND_OF_TAG),
        (BEHIND_A_COMMA, "{}", SECOND_OF_TAG),
    ]
    for number in range(1, TAGS * TOKENS_PER_TAG):
        is_last = number % TOKENS_PER_TAG == TOKENS_PER_TAG - 1
        places.append((number + 1, "{}," if is_last else "{}", number + 2))
    # The last one ends the line instead of going on to the caption.
    places[-1] = (places[-1][0], "{}", END)
    for number in range(SENTENCES * TOKENS_PER_SENTENCE):
        is_last = number % TOKENS_PER_SENTENCE == TOKENS_PER_SENTENCE - 1
        where = FIRST_OF_CAPTION + number
        places.append((where, "{}." if is_last else "{}", where + 1))
    starts = range(FIRST_OF_CAPTION, END, TOKENS_PER_SENTENCE)
    words = _made_up(len(places) * CHOICES)
    return [
        (word.capitalize() if where in starts else word, where, form, following)
        for number, (where, form, following) in enumerate(places)
        for word in words[number * CHOICES : (number + 1) * CHOICES]
    ]


def _made_up(count: int) -> list[str]:
    """Return different words of three syllables."""
    syllables = [consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS]
    base = len(syllables)
    return [
        # The first syllable changes with the last one, so that neighbours differ in both.
        syllables[(n // base**2 + n) % base] + syllables[n // base % base] + syllables[n % base]
        for n in range(count)
    ]
