"""Ban rules: which tags and sentences must not be generated, and which rule says so.

One entry a line or comma:

- ``hat``: the tag itself, in any spelling; ``*hat``: a glob, where ``*`` stands for anything and
  ``\\*`` for a star;
- ``/hat|cap/``: a regular expression of the subset in ``linear_regex``, found anywhere in a tag;
- ``@artist``: a category; ``@clothing``: a group that has a line of its own to define it:
  ``@clothing = *skirt, *dress, shirt`` (the definition alone bans nothing);
- ``if 1boy: skirt, dress``: entries that count only where every tag before the colon is present;
  the condition holds to the end of its line.

In sentences the entries match whole words: ``hat`` finds "hat" and "hats", never "that" or "chat";
stars at the ends of a glob stand for other words; a regular expression has to cover one to
``MAX_PHRASE`` whole words. Categories say nothing about sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from ...mistakes import Mistakes
from ..syntax.plain_text import is_emoticon
from ..vocabulary.tags import Category, canonical, category
from . import linear_regex
from .automaton import Regex

MAX_PHRASE = 5
_CATEGORIES = MappingProxyType(
    {
        **{item.value: item for item in Category},
        **{"artists": Category.ARTIST, "character": Category.CHARACTERS},
        **{"copyright": Category.COPYRIGHTS, "series": Category.COPYRIGHTS},
        **{"ratings": Category.RATING},
    }
)
_ENTRY = re.compile(r"\s*(/(?:\\.|[^/\\\n])*/(?=\s*(?:,|\Z))|[^,]*)\s*(?:,|\Z)")
_DEFINITION = re.compile(r"\s*@([\w -]+?)\s*=(.*)")
_CONDITION = re.compile(r"\s*if\s+(.+?)\s*:(?:\s+|(?=[^\s)(]))(.*)", re.IGNORECASE)
_NAMED = re.compile(r"@[^\W\d_]")
_PUNCTUATION = re.compile(r"[.,;:!?\u2026\u3002]+(?!\w)")
_WORD = re.compile(r"\w(?:[\w'-]*\w)?\+?")


class _Matcher(Protocol):
    """Knows whether a canonical tag, or a sentence, is what an entry means."""

    def in_tag(self, name: str) -> bool: ...

    def in_sentence(self, sentence: str) -> bool: ...


_Groups = Mapping[str, tuple[_Matcher, ...]]


@dataclass(frozen=True)
class _Exact:
    name: str

    def in_tag(self, name: str) -> bool:
        return name == self.name

    def in_sentence(self, sentence: str) -> bool:
        return _has_phrase(sentence, self.name)


@dataclass(frozen=True)
class _Glob:
    """``red*hat`` as ``("red", "hat")``: the text between the stars."""

    pieces: tuple[str, ...]

    def in_tag(self, name: str) -> bool:
        return _glob_matches(self.pieces, name)

    def in_sentence(self, sentence: str) -> bool:
        inner = tuple([piece.strip() for piece in self.pieces if piece.strip()])
        if len(inner) == 1:
            return _has_phrase(sentence, inner[0])
        return any(_glob_matches(inner, phrase) for phrase in _phrases(sentence))


@dataclass(frozen=True)
class _Pattern:
    regex: Regex

    def in_tag(self, name: str) -> bool:
        return self.regex.search(name)

    def in_sentence(self, sentence: str) -> bool:
        return any(self.regex.fullmatch(phrase) for phrase in _phrases(sentence))


@dataclass(frozen=True)
class _OfCategory:
    category: Category

    def in_tag(self, name: str) -> bool:
        return category(name) is self.category

    def in_sentence(self, sentence: str) -> bool:
        return False


@dataclass(frozen=True)
class _Rule:
    """One entry: what it matches, and which tags must be present for it to count."""

    entry: str
    matchers: tuple[_Matcher, ...]
    conditions: tuple[tuple[_Matcher, ...], ...] = ()

    def counts(self, present: Collection[str]) -> bool:
        return not self.conditions or all(
            any(matcher.in_tag(name) for matcher in alternatives for name in present)
            for alternatives in self.conditions
        )


@dataclass(frozen=True)
class Bans:
    """Parsed ban rules. ``Bans()`` bans nothing."""

    rules: tuple[_Rule, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Bans:
        """Parse the rules; empty entries are ignored.

        ValueError, with a line that quotes the entry for each mistake: a bad or unsupported
        regular expression, an unknown category or group, a glob that would ban every tag.
        """
        if not text.strip():
            return cls()
        mistakes = Mistakes()
        lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
        definitions: dict[str, list[str]] = {}
        rest: list[str] = []
        for line in lines:
            definition = _DEFINITION.fullmatch(line)
            if definition is None:
                rest.append(line)
                continue
            name = canonical(definition.group(1))
            with mistakes.noted():
                if name in _CATEGORIES:
                    raise ValueError(
                        f"ban entry '{line.strip()}': '@{name}' is a category already: "
                        "choose another name for the group"
                    )
                definitions.setdefault(name, []).extend(_entries(definition.group(2)))
        groups = _resolved(definitions, mistakes)
        rules = tuple([rule for line in rest for rule in _rules(line, groups, mistakes)])
        mistakes.raise_all()
        return cls(rules)

    def reason(self, tag: str, present: Collection[str]) -> str | None:
        """The entry that bans the tag where the tags ``present`` are there too, or None."""
        name = canonical(tag)
        return self._first(lambda matcher: bool(name) and matcher.in_tag(name), present)

    def sentence_reason(self, sentence: str, present: Collection[str]) -> str | None:
        """The entry that bans the sentence, or None."""
        plain = " ".join(sentence.replace("_", " ").casefold().split())
        return self._first(lambda matcher: matcher.in_sentence(plain), present)

    def category_reason(self, name: str, present: Collection[str]) -> str | None:
        """The entry that bans the whole category called `name`, or None."""
        banned = _CATEGORIES.get(name)
        return self._first(
            lambda matcher: isinstance(matcher, _OfCategory) and matcher.category is banned, present
        )

    def _first(self, is_hit: Callable[[_Matcher], bool], present: Collection[str]) -> str | None:
        names: list[str] | None = None
        for rule in self.rules:
            if not any(is_hit(matcher) for matcher in rule.matchers):
                continue
            if rule.conditions and names is None:
                names = [canonical(tag) for tag in present]
            if rule.counts(names or ()):
                return rule.entry
        return None


def _entries(text: str) -> list[str]:
    """The entries of a line: commas inside ``/.../`` do not count."""
    return [entry for match in _ENTRY.finditer(text) if (entry := match.group(1).strip())]


def _rules(line: str, groups: _Groups, mistakes: Mistakes) -> list[_Rule]:
    condition = _CONDITION.fullmatch(line)
    required = _entries(condition.group(1)) if condition else []
    entries = _entries(condition.group(2) if condition else line)
    conditions = tuple([_known(entry, groups, mistakes) for entry in required])
    prefix = f"if {', '.join(required)}: " if condition else ""
    return [_Rule(prefix + entry, _known(entry, groups, mistakes), conditions) for entry in entries]


def _known(entry: str, groups: _Groups, mistakes: Mistakes) -> tuple[_Matcher, ...]:
    """What one entry matches; nothing for a mistake, which is noted."""
    with mistakes.noted():
        return _matchers(entry, groups)
    return ()


def _resolved(definitions: Mapping[str, list[str]], mistakes: Mistakes) -> _Groups:
    """The matchers of each group, groups inside groups included; a circle is a mistake."""
    resolved: dict[str, tuple[_Matcher, ...]] = {}

    def resolve(name: str, inside: tuple[str, ...]) -> None:
        for entry in definitions[name]:
            inner = canonical(entry[1:]) if _NAMED.match(entry) else ""
            with mistakes.noted():
                if inner in inside:
                    resolved.setdefault(inner, ())
                    raise ValueError(
                        f"ban entry '{entry}': the group contains itself: remove it from the list"
                    )
            if inner in definitions and inner not in resolved:
                resolve(inner, (*inside, inner))
        found = [m for entry in definitions[name] for m in _known(entry, resolved, mistakes)]
        resolved[name] = tuple(dict.fromkeys(found))

    for name in definitions:
        if name not in resolved:
            resolve(name, (name,))
    return MappingProxyType(resolved)


def _matchers(entry: str, groups: _Groups) -> tuple[_Matcher, ...]:
    """What one entry matches; several for a group."""
    if len(entry) > 2 and entry[0] == "/" == entry[-1]:
        try:
            return (_Pattern(linear_regex.compile(entry[1:-1].replace("\\/", "/"))),)
        except ValueError as error:
            raise ValueError(
                f"ban entry '{entry}': {error}: correct the regular expression, or write the tag "
                "without slashes"
            ) from None
    if _NAMED.match(entry):
        return _named(entry, groups)
    if is_emoticon(entry):  # ``*_*`` is a face
        return (_Exact(canonical(entry.replace("\\*", "*"))),)
    pieces = [
        _canonical_piece(piece.replace("\0", "*"))
        for piece in entry.replace("\\*", "\0").split("*")
    ]
    if len(pieces) == 1:
        return (_Exact(canonical(pieces[0])),)
    if not any(piece.strip() for piece in pieces):
        raise ValueError(f"ban entry '{entry}' bans every tag: write more of the tag than a star")
    return (_Glob(tuple(pieces)),)


def _named(entry: str, groups: _Groups) -> tuple[_Matcher, ...]:
    """The matchers of ``@name``. ValueError where no category and no group has the name."""
    name = canonical(entry[1:])
    if name in _CATEGORIES:
        return (_OfCategory(_CATEGORIES[name]),)
    if name not in groups:
        known = ", ".join(f"@{item}" for item in (*[c.value for c in Category], *groups))
        raise ValueError(
            f"ban entry '{entry}': no such category or group: use one of {known}, or define a "
            f"group in a line '{entry} = tag, tag'"
        )
    return groups[name]


def _canonical_piece(piece: str) -> str:
    """A piece of a glob in canonical spelling, with the blanks at its ends kept."""
    plain = canonical(piece)
    spaced = piece.replace("_", " ")
    if not plain:
        return " " if spaced else ""
    return " " * spaced[0].isspace() + plain + " " * spaced[-1].isspace()


def _glob_matches(pieces: tuple[str, ...], name: str) -> bool:
    """Whether the pieces stand in the name in order, the outer ones at its ends."""
    first, last = pieces[0], pieces[-1]
    if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
        return False
    position, end = len(first), len(name) - len(last)
    for piece in pieces[1:-1]:
        found = name.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def _has_phrase(sentence: str, phrase: str) -> bool:
    """Whether the phrase stands in the sentence as whole words, in singular or plural."""
    pattern = rf"(?<!\w){re.escape(phrase)}(?:s|es)?(?!\w)"
    return bool(phrase) and re.search(pattern, sentence) is not None


def _phrases(sentence: str) -> list[str]:
    """Every run of one to MAX_PHRASE words of the sentence, none across punctuation."""
    clauses = [_WORD.findall(clause) for clause in _PUNCTUATION.split(sentence)]
    return [
        " ".join(words[start : start + length])
        for words in clauses
        for start in range(len(words))
        for length in range(1, min(MAX_PHRASE, len(words) - start) + 1)
    ]
