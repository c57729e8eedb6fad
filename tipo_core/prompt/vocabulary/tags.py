"""Tags: their category, their canonical spelling, and the number of persons they count.

The tables of this module are small and kept by hand; `names` has the long lists. A tag that is in
neither is ``general``.
"""

from __future__ import annotations

import re
from enum import Enum
from types import MappingProxyType

from ...surrogates import require_text
from .names import name_category
from .plain_text import plain_text


class Category(str, Enum):
    """The categories of tags, named like the fields of the TIPO format."""

    ARTIST = "artist"
    CHARACTERS = "characters"
    COPYRIGHTS = "copyrights"
    META = "meta"
    QUALITY = "quality"
    RATING = "rating"
    SPECIAL = "special"
    GENERAL = "general"

    def __str__(self) -> str:
        return self.value


_QUALITY = frozenset(
    (
        *("masterpiece", "best quality", "amazing quality", "great quality", "good quality"),
        *("high quality", "highest quality", "top quality", "normal quality", "medium quality"),
        *("average quality", "low quality", "lowest quality", "bad quality", "worse quality"),
        *("worst quality", "very aesthetic", "aesthetic", "displeasing", "very displeasing"),
        *("newest", "recent", "mid", "early", "old", "best aesthetic", "ultra quality"),
    )
)
_RATING = frozenset(
    ("general", "safe", "sfw", "sensitive", "questionable", "suggestive", "nsfw", "explicit")
)
_META = frozenset(
    (
        *("highres", "high resolution", "absurdres", "incredibly absurdres", "lowres", "hires"),
        *("wallpaper", "official art", "commission", "commissioner name", "scan", "screencap"),
        *("photo (medium)", "traditional media", "translated", "translation request"),
        *("commentary", "commentary request", "english commentary", "bad id", "bad pixiv id"),
        *("artist request", "character request", "source request", "third-party edit"),
        *("jpeg artifacts", "scan artifacts", "md5 mismatch", "revision", "duplicate"),
        *("paid reward available", "tall image", "wide image", "animated", "animated gif"),
        *("game cg", "key visual", "promotional art", "non-web source", "resized", "upscaled"),
        *("2k", "4k", "8k", "uhd"),
    )
)
_META_FORM = re.compile(r"year \d{4}|\w[\w ]* \(medium\)|[\w ]+ (?:mismatch|commentary)")
_QUALITY_FORM = re.compile(r"score \d(?: up)?|source (?:anime|cartoon|furry|pony)")
_RATING_FORM = re.compile(r"rating ?: ?\w+|rating (?:safe|general|sensitive|questionable|explicit)")
# ``@name`` is the form of the model Anima; ``@_@`` is an emoticon.
_ARTIST_FORM = re.compile(
    r"(?:artist|drawn by|art by) ?: ?\S.*|(?:drawn|art|artwork) by \S.*|@[^\W_].*", re.DOTALL
)
_SPECIAL = frozenset(
    (
        *("solo", "no humans", "male focus", "female focus", "other focus", "multiple girls"),
        *("multiple boys", "multiple others", "solo focus", "everyone", "crowd"),
    )
)

_SOLO, _NO_HUMANS = "solo", "no humans"
_NUMBERS = MappingProxyType(
    {
        **{"one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6},
        **{"seven": 7, "eight": 8, "nine": 9, "ten": 10, "multiple": None, "many": None},
        **{"several": None},
    }
)
_PERSONS = MappingProxyType(
    {
        **{"girl": "girl", "girls": "girl", "woman": "girl", "women": "girl", "female": "girl"},
        **{"females": "girl", "boy": "boy", "boys": "boy", "man": "boy", "men": "boy"},
        **{"male": "boy", "males": "boy", "other": "other", "others": "other"},
    }
)
_COUNTED = re.compile(r"(\d{1,4}|[a-z]+)(\+?)[ -]?([a-z]+)")
_MANY = 6  # the tags end at ``6+girls``
_ESCAPED = re.compile(r"\\([()\[\]{}<>|#])")


def canonical(tag: str) -> str:
    """The canonical spelling of a tag: two spellings of one tag compare equal.

    Case-folded, without escapes, underscores as single spaces (except in emoticons), and the
    person counts in one spelling: ``1girls``, ``one girl``, ``1 woman`` -> ``1girl``,
    ``7girls`` -> ``6+girls``, ``several boys`` -> ``multiple boys``.
    """
    if not isinstance(tag, str):
        require_text("tag", tag)
    plain = plain_text(_ESCAPED.sub(r"\1", tag) if "\\" in tag else tag).casefold()
    if plain.startswith(("score_", "source_")):
        plain = plain.replace("_", " ")
    counted = _counted(plain)
    if counted is None:
        return plain
    person, low, high = counted
    if high is not None and low < _MANY:
        return f"{low}{person}" if low == 1 else f"{low}{person}s"
    return f"{_MANY}+{person}s" if low >= _MANY else f"multiple {person}s"


def category(tag: str) -> Category:
    """The category of a tag in any spelling; ``general`` for an unknown tag."""
    name = canonical(tag)
    by_hand = hand_category(name)
    if by_hand is not None:
        return by_hand
    listed = _listed(name)
    return Category.GENERAL if listed is None else Category(listed)


def hand_category(name: str) -> Category | None:
    """The category of a canonical name in the tables of this module, or None."""
    if name in _SPECIAL or _counted(name) is not None:
        return Category.SPECIAL
    if name in _QUALITY or _QUALITY_FORM.fullmatch(name):
        return Category.QUALITY
    if name in _RATING or _RATING_FORM.fullmatch(name):
        return Category.RATING
    if name in _META or _META_FORM.fullmatch(name):
        return Category.META
    if _ARTIST_FORM.fullmatch(name):
        return Category.ARTIST
    return None


def is_known_name(tag: str) -> bool:
    """Whether the tag, in any spelling, is in the lists of artists, characters, series or meta."""
    return _listed(canonical(tag)) is not None


def _listed(name: str) -> str | None:
    """The category in the name lists; underscores left by `canonical` (emoticons) become spaces."""
    return name_category(name.replace("_", " ") if "_" in name else name)


def person_count(tag: str) -> tuple[str, int | None] | None:
    """The persons that a tag counts: ``("girl" | "boy" | "other" | "person", number)``.

    The number is None for an open count (``multiple girls``, ``6+girls``). ``solo`` is
    ``("person", 1)``, ``no humans`` is ``("person", 0)``, any other tag None.
    """
    name = canonical(tag)
    if name == _SOLO:
        return ("person", 1)
    if name == _NO_HUMANS:
        return ("person", 0)
    counted = _counted(name)
    if counted is None:
        return None
    person, low, high = counted
    return (person, None if high is None else low)


def contradicts(a: str, b: str) -> bool:
    """Whether the person counts of two tags exclude each other.

    ``1girl`` contradicts ``2girls``, ``multiple girls`` and ``no humans``, not ``1boy``; ``solo``
    contradicts every count above one.
    """
    return ranges_contradict(person_range(canonical(a)), person_range(canonical(b)))


def ranges_contradict(
    first: tuple[str, int, int | None] | None, second: tuple[str, int, int | None] | None
) -> bool:
    """Whether no picture can have both ranges of `person_range`."""
    if first is None or second is None:
        return False
    (one, low, high), (other, low2, high2) = first, second
    if one == other == "person":
        return False  # a lone animal is tagged ``no humans, solo``
    if one == other:
        return (high is not None and low2 > high) or (high2 is not None and low > high2)
    if "person" in (one, other):  # ``solo`` and ``no humans`` limit the other count
        limit, count = (high, low2) if one == "person" else (high2, low)
        return limit is not None and count > limit
    return False


def person_range(name: str) -> tuple[str, int, int | None] | None:
    """Whom a canonical name counts, at least and at most; None if it counts no persons.

    At most None is an open count: ``multiple girls`` is ``("girl", 2, None)``. ``solo`` and
    ``no humans`` count a ``"person"``.
    """
    require_text("name", name)
    if name == _NO_HUMANS:
        return ("person", 0, 0)
    if name == _SOLO:
        return ("person", 1, 1)
    return _counted(name)


def _counted(plain: str) -> tuple[str, int, int | None] | None:
    """``("girl", min, max)`` of a person count in plain, case-folded words, or None."""
    match = _COUNTED.fullmatch(plain)
    if match is None:
        return None
    number, plus, noun = match.groups()
    person = _PERSONS.get(noun)
    if person is None:
        return None
    if number.isdigit():
        low = int(number)
        return (person, low, None if plus or low >= _MANY else low) if low else None
    if number not in _NUMBERS or plus:
        return None
    count = _NUMBERS[number]
    if count is None:
        return (person, 2, None)
    return (person, count, None if count >= _MANY else count)
