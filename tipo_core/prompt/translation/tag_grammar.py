"""Makes tags of the words of a text: colours, counts and verbs belong to their noun.

``一个女孩在雨中打着红伞`` is ``1girl, rain, red umbrella, holding umbrella``. Colours and
adjectives stand before their noun, or after it and a copula. A count stands before the noun, or
after it. A relative clause may stand between: ``两个穿着红裙子的女孩`` are two girls. Counts of
one noun are added: ``红发女孩和蓝发女孩`` are two girls. A negated word has no tag, or ``no hat``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..vocabulary.translations import WordKind
from .clause_words import (
    HUMAN_MEASURES,
    MODIFIERS,
    NOUNS,
    PERSONS,
    SEXES,
    Noun,
    TranslatedWord,
    is_human_measure,
    noun_follows,
)
from .noun_tags import (
    MANY,
    NUMBER_WORDS,
    added_counts,
    held_tags,
    lone_modifier_tags,
    negated_tags,
    noun_tags,
    tags_of,
    with_count,
    without_count,
)
from .word_tokens import Token, is_hiragana

_SUBJECTS = frozenset("\u304c\u306f\u3082")
# Particles between a noun and its count: *hair ornaments, two*.
_COUNTED_BY = _SUBJECTS | {"\u3092"}
# Particles of the object: a verb that is negated has it, its subject stays.
_OBJECTS = frozenset("\u3092\uc744\ub97c")
# After *I* these ask for a picture of something else.
_WISHES = frozenset(
    "\u60f3 \u60f3\u8981 \u8981 \u9700\u8981 \u5e0c\u671b \u559c\u6b22 \u3092".split()
)


def compose_tags(
    text: str,
    tokens: Sequence[Token],
    is_postfix: bool,
    has_blanks: bool,
    negated: Collection[str] = (),
) -> list[TranslatedWord]:
    """Return the words of one run of `text` with their tags, in order.

    With `is_postfix` (Japanese, Korean) verbs, counts and negations may follow their noun. A blank
    ends a clause, except in Korean and Russian (`has_blanks`), which divide all words by blanks.
    `negated` are the known tags such as ``no hat``.
    """
    clause = _Clause(text, tokens, is_postfix, has_blanks, negated)
    for place, token in enumerate(tokens):
        clause.read(place, token)
    clause.flush()
    return clause.words


class _Clause:
    """The state while a run is read from its first word to the last."""

    def __init__(
        self,
        text: str,
        tokens: Sequence[Token],
        is_postfix: bool,
        has_blanks: bool,
        negated: Collection[str],
    ) -> None:
        self.words: list[TranslatedWord] = []
        self._text = text
        self._tokens = tokens
        self._is_postfix = is_postfix
        self._has_blanks = has_blanks
        self._negated = negated
        self._modifiers: list[Token] = []
        self._count: int | None = None
        self._outer_count: int | None = None  # of a noun after a relative clause
        self._start: int | None = None  # of the count or the first modifier
        self._hold: Token | None = None
        self._noun: Noun | None = None  # the last one
        self._has_copula = False
        self._people: tuple[int, int] | None = None  # the offsets of a number and its *persons*
        self._measure = -1  # the place of a word for a person that is a measure word
        self._first = 0  # number of the first word of the clause
        # A negation waits for its word; one after *and* is that of the word before.
        self._negation: Token | None = None
        self._last_negation: Token | None = None
        # The noun before *and*, and whether words of another noun follow.
        self._pair: Noun | None = None
        self._has_gap = False

    def read(self, place: int, token: Token) -> None:
        kind = token.kind
        if place == self._measure:
            return
        if self._is_postfix and is_human_measure(self._tokens, place):
            if self._count is not None:
                self._people = (self._tokens[place - 1].start, token.end)
            return
        if kind is WordKind.AND:
            self._read_and(place)
            return
        if kind is not WordKind.SKIP and not token.text.isspace():
            self._last_negation = None
        if kind in MODIFIERS:
            self._read_modifier(place, token)
        elif kind is WordKind.NUMBER:
            self._read_number(place, token)
        elif kind in NOUNS:
            self._read_noun(place, token)
        elif kind is WordKind.OF:
            if not self._modifiers:
                self._negation = None
        elif kind in (WordKind.MEASURE, WordKind.PLURAL):
            pass
        elif kind is WordKind.COPULA:
            self._has_copula = self._noun is not None
            self._end_count()
            self._end_pair()
        elif kind is WordKind.NOT:
            self._read_negation(place, token)
        elif kind is WordKind.HOLD:
            self._read_hold(token)
        elif kind is WordKind.PRONOUN:
            self._read_pronoun(place, token)
        elif kind in (WordKind.OTHER, WordKind.NAME):
            self._read_other(token)
        elif kind is WordKind.SKIP:
            self._end_count()
            self._end_pair()
            if not self._has_copula:
                self._end_modifiers()
        elif token.text.isspace() and place and self._tokens[place - 1].kind is WordKind.NUMBER:
            pass
        elif not (token.text.isspace() and self._has_blanks):
            first = self._first
            self.flush()
            if token.text and is_hiragana(token.text):
                self._first = first  # an ending

    def flush(self) -> None:
        """End the clause: modifiers after a copula belong to the noun before it."""
        if self._has_copula and self._noun is not None and self._modifiers and not self._negation:
            noun = self._noun
            last = self.words.pop()
            modifiers = [*noun.modifiers, *self._modifiers]
            self._modifiers = []
            tags = noun_tags(noun.token, modifiers, noun.count)
            self._add(last.start, last.end, tags, noun.token.kind)
        self._end_modifiers()
        self._end_people()
        self._count = self._outer_count = self._start = self._hold = self._noun = None
        self._people = self._negation = self._last_negation = self._pair = None
        self._has_copula = False
        self._first = len(self.words)

    def _end_people(self) -> None:
        """A number of persons without a noun: *two persons* hold hands."""
        count = self._count if self._outer_count is None else self._outer_count
        if self._people is not None and count is not None and 1 < count < len(NUMBER_WORDS):
            start, end = self._people
            self._add(start, end, (f"{NUMBER_WORDS[count]} people",), WordKind.PERSON)

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
            tags = () if self._negation else lone_modifier_tags(token)
            self._add(token.start, token.end, tags)
        self._modifiers = []
        self._start = None

    def _end_pair(self) -> None:
        if self._has_gap:
            self._pair = None

    def _read_and(self, place: int) -> None:
        """Remember the noun or the negation before *and* for the word after it."""
        self._negation = self._negation or self._last_negation
        before = self._tokens[place - 1] if place else None
        noun = self._noun
        if noun is not None and before is not None and before.kind in (*NOUNS, WordKind.PLURAL):
            self._pair, self._has_gap = noun, False

    def _read_modifier(self, place: int, token: Token) -> None:
        before = self._tokens[place - 1] if place else None
        negation = self._negation
        is_direct = before is not None and before is negation
        if negation is not None and is_direct and tags_of(negation) == ("hardly",):
            self._add(negation.start, token.end, ())
            self._negation = None
            return
        self._begin(token)
        self._modifiers.append(token)

    def _read_other(self, token: Token) -> None:
        self._end_count()
        if self._negation is not None:
            self._end_negated(token, tags_of(token))
            return
        self._end_modifiers()
        self._hold = None
        self._has_gap = True
        self._add(token.start, token.end, tags_of(token), token.kind)

    def _read_negation(self, place: int, token: Token) -> None:
        if not self._is_postfix:
            self._end_count()
            self._end_modifiers()
            self._negation = token
            return
        if self._modifiers:
            self._add(self._modifiers[0].start, token.end, ())
            self._modifiers, self._start = [], None
        elif len(self.words) > self._first:
            last = self.words[-1]
            if tags_of(token) == ("hardly",) and not self._is_object(last, place):
                return
            self.words.pop()
            self._add(last.start, token.end, negated_tags(last.tags, self._negated))
            self._noun = self._pair = None

    def _is_object(self, word: TranslatedWord, place: int) -> bool:
        """Whether a word is the object of the verb before `place`, or that verb."""
        particle = self._text[word.end : word.end + 1]
        return particle in _OBJECTS or word.end == self._tokens[place].start

    def _end_negated(self, token: Token, tags: Sequence[str]) -> None:
        """Give a negated word its tag, if there is one."""
        negation = self._negation
        start = token.start if negation is None else negation.start
        if self.words:
            start = max(start, self.words[-1].end)
        # No red hat is no *no hat*.
        self._add(start, token.end, () if self._modifiers else negated_tags(tags, self._negated))
        self._last_negation, self._negation = negation, None
        self._modifiers, self._count, self._start, self._hold = [], None, None, None
        self._noun, self._has_copula = None, False

    def _read_pronoun(self, place: int, token: Token) -> None:
        following = self._tokens[place + 1] if place + 1 < len(self._tokens) else None
        is_owner = following is not None and following.kind is WordKind.OF
        is_self = tags_of(token)[0] in ("person", "people")
        wishes = following is not None and following.text in _WISHES
        self._end_count()
        if is_owner or self._negation or (is_self and (place or wishes)):
            return
        self._end_modifiers()
        word = TranslatedWord(token.text, token.start, tags_of(token), is_pronoun=True)
        self.words.append(word)

    def _read_number(self, place: int, token: Token) -> None:
        name = tags_of(token)[0]
        count = int(name) if name.isdigit() else MANY
        noun = self._noun
        if noun is not None and noun.index == len(self.words) - 1 and self._is_after(place):
            last = self.words.pop()
            tags = noun_tags(noun.token, noun.modifiers, count)
            self._add(last.start, token.end, tags, noun.token.kind)
            # *Holds two swords*: the verb after the count needs the noun.
            is_object = self._is_postfix and self._tokens[place - 1].text in _OBJECTS
            self._noun = replace(noun, index=len(self.words) - 1) if is_object else None
            return
        self._begin(token)
        self._count = count

    def _is_after(self, place: int) -> bool:
        """Whether the count at `place` belongs to the noun before it."""
        tokens = self._tokens
        before = place - 1
        if self._is_postfix:
            if tokens[before].text.isspace():
                before -= 1
            is_subject = before > 0 and tokens[before].text in _COUNTED_BY
            if is_subject and tokens[before - 1].kind in NOUNS:
                before -= 1
            return tokens[before].kind in NOUNS and not noun_follows(tokens, place)
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        if tokens[before].kind not in NOUNS or following is None:
            return False
        is_person = following.text in HUMAN_MEASURES
        if not (following.kind is WordKind.MEASURE or is_person):
            return False
        if noun_follows(tokens, place + 1):
            return False
        self._measure = place + 1 if is_person else -1
        return True

    def _read_noun(self, place: int, token: Token) -> None:
        if self._negation is not None:
            self._end_negated(token, tags_of(token))
            return
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
        tags = noun_tags(token, self._modifiers, count)
        noun = Noun(len(self.words), token, tuple(self._modifiers), count)
        noun, tags = self._with_pair(noun, tags)
        if self._hold is not None:
            tags = (*tags, *held_tags(self._hold, token))
        self._add(token.start if self._start is None else self._start, end, tags, token.kind)
        self._noun = noun
        self._modifiers, self._count, self._start, self._hold = [], None, None, None
        self._has_copula = False

    def _with_pair(self, noun: Noun, tags: tuple[str, ...]) -> tuple[Noun, tuple[str, ...]]:
        """Add the count of a noun to that of the same noun before *and*."""
        pair = self._pair
        self._has_gap = True
        if pair is None or tags_of(pair.token)[:1] != tags_of(noun.token)[:1]:
            return noun, tags
        is_sex = noun.token.kind in SEXES
        is_plain = not (pair.modifiers or noun.modifiers)
        self._pair = None
        if not (is_sex or is_plain):
            return noun, tags
        total = added_counts(pair.count, noun.count)
        before = self.words[pair.index]
        if is_plain:
            counted = noun_tags(pair.token, (), total)
            held = [tag for tag in before.tags if tag.startswith("holding ")]
            self.words[pair.index] = replace(before, tags=(*counted, *held))
            kept: tuple[str, ...] = ()
        else:
            self.words[pair.index] = replace(
                before, tags=with_count(before.tags, noun.token, total)
            )
            kept = without_count(tags)
        return Noun(pair.index, pair.token, pair.modifiers, total), kept

    def _takes_outer(self, place: int) -> bool:
        """Whether a relative clause ends before the noun, or the noun is a person."""
        if self._tokens[place].kind is not WordKind.THING:
            return True
        before = [token for token in self._tokens[max(0, place - 2) : place]]
        if not before or before[-1].kind is not WordKind.OF:
            return False
        return len(before) < 2 or before[0].kind not in MODIFIERS

    def _read_hold(self, token: Token) -> None:
        self._end_count()
        if not self._is_postfix:
            self._end_modifiers()
            self._hold = token
        elif self._noun is not None and self._noun.index == len(self.words) - 1:
            last = self.words[-1]
            held = held_tags(token, self._noun.token)
            if held:
                text = self._text[last.start : token.end]
                self.words[-1] = replace(last, text=text, tags=(*last.tags, *held))

    def _add(
        self, start: int, end: int, tags: tuple[str, ...], kind: WordKind | None = None
    ) -> None:
        is_person = kind in PERSONS or kind is WordKind.NAME
        self.words.append(TranslatedWord(self._text[start:end], start, tags, is_person))
