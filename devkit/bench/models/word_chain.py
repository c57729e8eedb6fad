"""The vocabulary of the random models: made-up words in a chain of places.

A random model would write random tokens without end, and two programs would not do the same work
for a request. Therefore some entries of the vocabulary form a chain of places: each place is filled
by a few entries, and each entry leads to the next place, up to the end token. The model draws among
the entries of a place, so that texts differ with the seed, but every whole answer has the same
number of tokens: 44 tags of four tokens, or six sentences of 24.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAGS, TOKENS_PER_TAG = 44, 4
SENTENCES, TOKENS_PER_SENTENCE = 6, 24
# Entries per place.
CHOICES = 6

# Places of the chain. Entries outside of the chain lead to the first place.
AFTER_ANY_TOKEN, AFTER_A_COMMA, SECOND_OF_TAG = 0, 1, 2
FIRST_OF_CAPTION = TAGS * TOKENS_PER_TAG + 1
END = FIRST_OF_CAPTION + SENTENCES * TOKENS_PER_SENTENCE
PLACES = END + 1

# Letters whose three-syllable words are on no block list.
_CONSONANTS, _VOWELS = "bfgkmntvz", "aeiou"


@dataclass(frozen=True)
class Words:
    """A vocabulary: a `tokenizer.json` and the places of its chain.

    `place` has the place of an entry, `leads_to` the place after it, both by id. Entries without a
    place are missing in `place`; entries that lead to the first place are missing in `leads_to`.
    """

    tokenizer: Mapping[str, Any]
    place: Mapping[int, int]
    leads_to: Mapping[int, int]

    @property
    def texts(self) -> list[str]:
        """The entries in the order of their ids, as stored."""
        vocabulary = self.tokenizer["model"]["vocab"]
        return sorted(vocabulary, key=vocabulary.__getitem__)

    @property
    def merges(self) -> list[str]:
        """The merges in the form of GGUF and older tokenizer files."""
        merges = self.tokenizer["model"]["merges"]
        return [one if isinstance(one, str) else " ".join(one) for one in merges]

    def id_of(self, text: str) -> int:
        """Return the id of an entry."""
        return int(self.tokenizer["model"]["vocab"][text])


def made_up_words(tokenizer: Path, size: int) -> Words:
    """Return the vocabulary in the file `tokenizer` with the chain, padded to `size` entries.

    The file is a byte-level BPE with the special tokens `<s>` and `</s>`. Whole words are looked up
    before merges, so that each word of the chain is encoded as one token.
    """
    stored = json.loads(tokenizer.read_text(encoding="utf-8"))
    stored["model"]["ignore_merges"] = True
    vocabulary: dict[str, int] = stored["model"]["vocab"]
    place = {vocabulary["</s>"]: END}
    leads_to = {vocabulary[","]: AFTER_A_COMMA, vocabulary[":"]: FIRST_OF_CAPTION}
    for word, where, form, following in _chain():
        id_ = vocabulary.setdefault(form.format(f"\u0120{word}"), len(vocabulary))
        vocabulary.setdefault(f"\u0120{word}", len(vocabulary))
        place[id_], leads_to[id_] = where, following
    if len(vocabulary) > size:
        raise ValueError(
            f"the chain needs {len(vocabulary)} entries, the vocabulary has {size}: raise its size"
        )
    for id_ in range(len(vocabulary), size):
        vocabulary[f"[UNUSED{id_}]"] = id_
    return Words(stored, place, leads_to)


def _chain() -> list[tuple[str, int, str, int]]:
    """Return word, place, form and next place of all entries; `{}` in a form is blank and word."""
    places = [
        (AFTER_ANY_TOKEN, ",{}", SECOND_OF_TAG),
        (AFTER_A_COMMA, "{}", SECOND_OF_TAG),
    ]
    for number in range(1, TAGS * TOKENS_PER_TAG):
        is_last = number % TOKENS_PER_TAG == TOKENS_PER_TAG - 1
        places.append((number + 1, "{}," if is_last else "{}", number + 2))
    # The last tag leads to the end token instead of the caption.
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
        # The first syllable changes with the last, so that neighbours differ in both.
        syllables[(n // base**2 + n) % base] + syllables[n // base % base] + syllables[n % base]
        for n in range(count)
    ]
