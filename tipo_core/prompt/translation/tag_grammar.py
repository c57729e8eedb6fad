"""Makes tags of the words of a text: colours, counts and verbs belong to their noun.

``一个女孩在雨中打着红伞`` is ``1girl, rain, red umbrella, holding umbrella``. Colours and
adjectives stand before their noun, or after it and a copula. A count stands before the noun, in
Japanese and Korean also after it. A relative clause may stand between:
``两个穿着红裙子的女孩`` are two girls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ..vocabulary.translations import WordKind
from .word_cutting import Token

MANY = 0  # a count without a number
_MOST_COUNTED = 5  # of persons: above are ``6+girls``
_NUMBER_WORDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PERSON_NOUNS = MappingProxyType({WordKind.GIRL: "girl", WordKind.BOY: "boy"})
_NOUNS = frozenset((WordKind.GIRL, WordKind.BOY, WordKind.PERSON, WordKind.THING))
_MODIFIERS = frozenset((WordKind.COLOUR, WordKind.ADJECTIVE))
# Of these each colour or length makes a tag of its own: ``long hair, black hair``.
_EACH_ALONE = ("hair", "eyes")
_HAIR_STYLES = frozenset("ponytail twintails braid bangs ahoge".split())
_HAIR_COLOURS = MappingProxyType({"golden": "blonde"})
_SAME_PLURAL = frozenset(
    "sheep deer samurai ninja fish goldfish koi people children friends twins clothes".split()
)
_IRREGULAR = MappingProxyType(
    {
        **{"person": "people", "child": "children", "mouse": "mice", "goose": "geese"},
        **{"wolf": "wolves", "leaf": "leaves", "knife": "knives", "shelf": "shelves"},
        **{"elf": "elves", "thief": "thieves", "snow leopard": "snow leopards"},
    }
)
_HUMAN_MEASURES = frozenset(("\u4eba", "\uba85"))


@dataclass(frozen=True)
class TranslatedWord:
    """A word of the user, or several that belong together, and its tags."""

    text: str
    start: int
    tags: tuple[str, ...]

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)


def compose_tags(
    text: str, tokens: Sequence[Token], is_postfix: bool, has_blanks: bool
) -> list[TranslatedWord]:
    """Return the words of one run of `text` with their tags, in order.

    With `is_postfix` (Japanese, Korean) verbs and counts may follow their noun. A blank ends a
    clause, except in Korean and Russian (`has_blanks`), which divide all words by blanks.
    """
    clause = _Clause(text, tokens, is_postfix, has_blanks)
    for place, token in enumerate(tokens):
        clause.read(place, token)
    clause.flush()
    return clause.words


class _Clause:
    """The state while a run is read from its first word to the last."""

    def __init__(
        self, text: str, tokens: Sequence[Token], is_postfix: bool, has_blanks: bool
    ) -> None:
        self.words: list[TranslatedWord] = []
        self._text = text
        self._tokens = tokens
        self._is_postfix = is_postfix
        self._has_blanks = has_blanks
        self._modifiers: list[Token] = []
        self._count: int | None = None
        self._outer_count: int | None = None  # of a noun after a relative clause
        self._start: int | None = None  # of the count or the first modifier
        self._hold: Token | None = None
        self._noun: tuple[Token, list[Token], int | None] | None = None  # the last one
        self._has_copula = False
        self._people: tuple[int, int] | None = None  # the offsets of a number and its *persons*

    def read(self, place: int, token: Token) -> None:
        kind = token.kind
        if self._is_postfix and _is_human_measure(self._tokens, place):
            if self._count is not None:
                self._people = (self._tokens[place - 1].start, token.end)
            return
        if kind in _MODIFIERS:
            self._begin(token)
            self._modifiers.append(token)
        elif kind is WordKind.NUMBER:
            self._read_number(place, token)
        elif kind in _NOUNS:
            self._read_noun(place, token)
        elif kind in (WordKind.MEASURE, WordKind.OF, WordKind.PLURAL, WordKind.AND):
            pass
        elif kind is WordKind.COPULA:
            self._has_copula = self._noun is not None
            self._end_count()
        elif kind is WordKind.HOLD:
            self._read_hold(token)
        elif kind in (WordKind.OTHER, WordKind.NAME):
            self._end_count()
            self._end_modifiers()
            self._hold = None
            self._add(token.start, token.end, _tags(token))
        elif kind is WordKind.SKIP:
            self._end_count()
            if not self._has_copula:
                self._end_modifiers()
        elif not (token.text.isspace() and self._has_blanks):
            self.flush()

    def flush(self) -> None:
        """End the clause: modifiers after a copula belong to the noun before it."""
        if self._has_copula and self._noun is not None and self._modifiers:
            noun, modifiers, count = self._noun
            last = self.words.pop()
            tags = _noun_tags(noun, [*modifiers, *self._modifiers], count)
            self._modifiers = []
            self._add(last.start, last.end, tags)
        self._end_modifiers()
        self._end_people()
        self._count = self._outer_count = self._start = self._hold = self._noun = None
        self._people = None
        self._has_copula = False

    def _end_people(self) -> None:
        """A number of persons without a noun: *two persons* hold hands."""
        count = self._count if self._outer_count is None else self._outer_count
        if self._people is not None and count is not None and 1 < count < len(_NUMBER_WORDS):
            start, end = self._people
            self._add(start, end, (f"{_NUMBER_WORDS[count]} people",))

    def _begin(self, token: Token) -> None:
        if self._start is None:
            self._start = token.start

    def _end_count(self) -> None:
        """A count before a verb or a place belongs to the noun after the relative clause."""
        if self._count is not None:
            self._outer_count, self._count = self._count, None
            if not self._modifiers:
                self._start = None

    def _end_modifiers(self) -> None:
        """Colours without a noun are tags of their own."""
        for token in self._modifiers:
            self._add(token.start, token.end, _tags(token))
        self._modifiers = []
        self._start = None

    def _read_number(self, place: int, token: Token) -> None:
        name = _tags(token)[0]
        count = int(name) if name.isdigit() else MANY
        before = self._tokens[place - 1] if place else None
        if before is not None and before.text.isspace() and place > 1:
            before = self._tokens[place - 2]
        is_after = self._is_postfix and before is not None and before.kind in _NOUNS
        if is_after and self._noun is not None and not _noun_follows(self._tokens, place):
            noun, modifiers, _ = self._noun
            last = self.words.pop()
            self._add(last.start, token.end, _noun_tags(noun, modifiers, count))
            self._noun = None
            return
        self._begin(token)
        self._count = count

    def _read_noun(self, place: int, token: Token) -> None:
        count = self._count
        if count is None and self._outer_count is not None and self._takes_outer(place):
            count, self._outer_count = self._outer_count, None
        if token.kind is not WordKind.THING:
            self._people = None
        end = token.end
        following = self._tokens[place + 1] if place + 1 < len(self._tokens) else None
        if following is not None and following.kind is WordKind.PLURAL:
            end = following.end
            count = MANY if count is None else count
        tags = _noun_tags(token, self._modifiers, count)
        if self._hold is not None:
            tags = (*tags, *_held(self._hold, token))
        self._add(token.start if self._start is None else self._start, end, tags)
        self._noun = (token, self._modifiers, count)
        self._modifiers, self._count, self._start, self._hold = [], None, None, None
        self._has_copula = False

    def _takes_outer(self, place: int) -> bool:
        """Whether a relative clause ends before the noun, or the noun is a person."""
        if self._tokens[place].kind is not WordKind.THING:
            return True
        before = [token for token in self._tokens[max(0, place - 2) : place]]
        if not before or before[-1].kind is not WordKind.OF:
            return False
        return len(before) < 2 or before[0].kind not in _MODIFIERS

    def _read_hold(self, token: Token) -> None:
        self._end_count()
        if not self._is_postfix:
            self._end_modifiers()
            self._hold = token
        elif self._noun is not None and self.words:
            last = self.words[-1]
            held = _held(token, self._noun[0])
            if held:
                self.words[-1] = TranslatedWord(
                    self._text[last.start : token.end], last.start, (*last.tags, *held)
                )

    def _add(self, start: int, end: int, tags: tuple[str, ...]) -> None:
        self.words.append(TranslatedWord(self._text[start:end], start, tags))


def _tags(token: Token) -> tuple[str, ...]:
    return token.entry.tags if token.entry else ()


def _is_human_measure(tokens: Sequence[Token], place: int) -> bool:
    """Whether the word for a person is a measure word: two *persons* of girls."""
    after_number = place > 0 and tokens[place - 1].kind is WordKind.NUMBER
    return after_number and tokens[place].text in _HUMAN_MEASURES


def _noun_follows(tokens: Sequence[Token], place: int) -> bool:
    """Whether a number is followed by its own noun, after its measure word."""
    for token in tokens[place + 1 : place + 4]:
        if token.kind is WordKind.OF or token.kind in _MODIFIERS:
            return True
        if token.kind in _NOUNS:
            return token.text not in _HUMAN_MEASURES
        if token.kind is not WordKind.MEASURE and not token.text.isspace():
            return False
    return False


def _held(hold: Token, noun: Token) -> tuple[str, ...]:
    """The tag of a thing in the hand; a verb of umbrellas holds nothing else."""
    if noun.kind is not WordKind.THING:
        return ()
    name = _plain(_tags(noun)[0])
    (verb,) = _tags(hold)
    if verb == "holding":
        return (f"holding {name}",)
    return (f"holding {verb}",) if name.endswith(verb) else ()


def _noun_tags(noun: Token, modifiers: Sequence[Token], count: int | None) -> tuple[str, ...]:
    main, *others = _tags(noun)
    if noun.kind in _PERSON_NOUNS:
        return (*_person_tags(noun, main, modifiers, count), *others)
    colours = [_tags(one)[0] for one in modifiers if one.kind is WordKind.COLOUR]
    adjectives = [_tags(one)[0] for one in modifiers if one.kind is WordKind.ADJECTIVE]
    words = [*adjectives, *([" and ".join(colours)] if colours else [])]
    if not words and count in (None, 1):
        return (main, *others)
    name = _plain(main)
    if main in _HAIR_STYLES:
        return (main, *others, *(f"{_HAIR_COLOURS.get(word, word)} hair" for word in words))
    if name.endswith(_EACH_ALONE):
        body = "hair" if name.endswith("hair") else "eyes"
        kept = [main] if name != body else []
        described = [f"{_HAIR_COLOURS.get(word, word)} {body}" for word in words]
        return (*kept, *others, *(described if body == "hair" else [f"{w} eyes" for w in words]))
    if count is not None and count != 1:
        name = plural(name)
        if 2 <= count < len(_NUMBER_WORDS):
            words.insert(0, _NUMBER_WORDS[count])
    return (" ".join([*words, name]), *others)


def _person_tags(
    noun: Token, main: str, modifiers: Sequence[Token], count: int | None
) -> tuple[str, ...]:
    """``1girl``, ``2girls``, ``woman``; with an adjective also ``young woman``."""
    person = _PERSON_NOUNS[noun.kind] if noun.kind else ""
    words = [_tags(one)[0] for one in modifiers]
    is_counted = main == f"1{person}"
    name = person if is_counted else main
    described = [" ".join([*words, name])] if words or not is_counted else []
    if count is None or count == 1:
        return (*([main] if is_counted else []), *described)
    number = (
        f"multiple {person}s"
        if count == MANY
        else f"{count}{person}s"
        if count <= _MOST_COUNTED
        else f"{_MOST_COUNTED + 1}+{person}s"
    )
    return (number, *(plural(text) for text in described))


def _plain(tag: str) -> str:
    """A tag without its qualifier: ``bow (weapon)`` -> ``bow``."""
    return tag.partition(" (")[0]


def plural(name: str) -> str:
    """Return the plural of an English noun: ``red fox`` -> ``red foxes``."""
    if name in _IRREGULAR:
        return _IRREGULAR[name]
    head, _, last = name.rpartition(" ")
    if head:
        return f"{head} {plural(last)}"
    if name in _SAME_PLURAL or name.endswith("s"):
        return name
    if name.endswith("man"):
        return f"{name[:-3]}men" if name != "human" else "humans"
    if name.endswith(("x", "ch", "sh", "z")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"
