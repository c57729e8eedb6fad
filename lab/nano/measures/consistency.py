"""Consistency of a caption with tags: the share of its nouns, and of their colours, in the tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tipo_core.expansion.caption_rules.aspects import COLORS, Aspect, aspect

# Aspects whose words are nouns.
_NAMED = frozenset(
    {
        Aspect.CLOTHES, Aspect.THING, Aspect.BODY, Aspect.HAIR_STYLE, Aspect.HAIR_COLOR,
        Aspect.SKY, Aspect.PLACE, Aspect.EYES,
    }
)  # fmt: skip
# Nouns that also occur in idioms (`at the back`, `by day`), so they do not count.
_FRAME = frozenset(("back", "day", "light", "dark", "space", "face", "glass", "paper", "fire"))
_MORE_NOUNS = frozenset(("hair", "eyes", "background", "smile"))


@dataclass(frozen=True)
class Consistency:
    """Counts of the nouns in captions; `caption_consistency` defines the terms.

    `supported` nouns occur in the tags or the given text. `coloured` counts pairs of a colour and a
    noun, `agreeing` the pairs that the tags or the given text have too.
    """

    nouns: int
    supported: int
    coloured: int
    agreeing: int

    def __add__(self, other: Consistency) -> Consistency:
        return Consistency(
            self.nouns + other.nouns,
            self.supported + other.supported,
            self.coloured + other.coloured,
            self.agreeing + other.agreeing,
        )

    @property
    def noun_share(self) -> float:
        """The share of supported nouns; 1 if there is no noun."""
        return self.supported / self.nouns if self.nouns else 1.0

    @property
    def colour_share(self) -> float:
        """The share of coloured nouns with a colour from the sources; 1 if there is none."""
        return self.agreeing / self.coloured if self.coloured else 1.0


def caption_consistency(caption: str, tags: Sequence[str], given: str = "") -> Consistency:
    """Return the support of `caption` by `tags` and the `given` text.

    A noun is a word for clothes, a thing, a part of the body or of the sky, or a place, singular or
    plural. A coloured noun has a colour before it, with at most one adjective between, and the tags
    or the given text have the noun with a colour too.
    """
    sources = [_words(tag) for tag in tags] + [_words(given)]
    known = {_singular(word) for words in sources for word in words}
    colours: dict[str, set[str]] = {}
    for words in sources:
        for colour, noun in _coloured(words):
            colours.setdefault(noun, set()).add(colour)
    words = _words(caption)
    nouns = {_singular(word) for word in words if _is_noun(word)}
    pairs = {(colour, noun) for colour, noun in _coloured(words) if noun in colours}
    return Consistency(
        nouns=len(nouns),
        supported=len(nouns & known),
        coloured=len(pairs),
        agreeing=sum(colour in colours[noun] for colour, noun in pairs),
    )


def total(parts: Iterable[Consistency]) -> Consistency:
    """Return the sum of `parts`."""
    return sum(parts, Consistency(0, 0, 0, 0))


def _words(text: str) -> list[str]:
    """Return the words in lower case, and the punctuation that separates a colour from a noun."""
    return re.findall(r"[a-z][a-z'-]*|[,.;]", text.lower())


def _singular(word: str) -> str:
    return word if word.endswith(("ss", "us")) else word.removesuffix("s")


@lru_cache(maxsize=8192)
def _is_noun(word: str) -> bool:
    if word in _FRAME:
        return False
    forms = (word, _singular(word), word + "s")
    return word in _MORE_NOUNS or any(aspect(form) in _NAMED for form in forms)


def _coloured(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return each colour and the singular noun after it: red and skirt in `red pleated skirts`."""
    found = []
    for place, word in enumerate(words):
        # "dark" and "light" also describe other colours: `dark blue coat`.
        if word in COLORS - {"dark", "light"}:
            # One adjective may come between colour and noun.
            for noun in words[place + 1 : place + 3]:
                if _is_noun(noun):
                    found.append((word, _singular(noun)))
                    break
                if noun in ",.;" or noun == "and":
                    break
    return found
