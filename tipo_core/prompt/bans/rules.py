"""Ban rules: they say which tags and sentences must not be generated.

Entries are separated by commas or line breaks:

- ``hat``: the tag, in any spelling; ``*hat``: a glob, where ``*`` matches any text and ``\\*`` a
  star;
- ``/hat|cap/``: a regular expression of the subset in `linear_regex`, searched anywhere in a tag;
- ``@artist``: a category; ``@clothing``: a group, defined in a line of its own:
  ``@clothing = *skirt, *dress, shirt`` (the definition alone bans nothing);
- ``if 1boy: skirt, dress``: entries that ban only while every tag before the colon is present; the
  condition holds to the end of its line.

In sentences entries match whole words: ``hat`` matches "hat" and "hats", not "that" or "chat".
Stars at the ends of a glob match other words. A regular expression must cover 1 to
`matchers.MAX_PHRASE` whole words. Categories do not match sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ...error_collector import ErrorCollector
from ...surrogates import refuse_surrogates
from ..vocabulary.plain_text import is_emoticon
from ..vocabulary.tags import Category, canonical
from . import linear_regex
from .matchers import Exact, Glob, Matcher, OfCategory, Pattern

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
_Groups = Mapping[str, tuple[Matcher, ...]]


@dataclass(frozen=True)
class _Rule:
    """One entry: its matchers, and the tags that must be present for it to ban (any of each)."""

    entry: str
    matchers: tuple[Matcher, ...]
    conditions: tuple[tuple[Matcher, ...], ...] = ()

    def is_active(self, present: Collection[str]) -> bool:
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

        Raises ValueError with one line, which quotes the entry, for each error: a bad or
        unsupported regular expression, an unknown category or group, a glob that bans every tag.
        A lone surrogate is an error of its own.
        """
        refuse_surrogates("bans", text)
        if not text.strip():
            return cls()
        errors = ErrorCollector()
        lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
        definitions: dict[str, list[str]] = {}
        rest: list[str] = []
        for line in lines:
            definition = _DEFINITION.fullmatch(line)
            if definition is None:
                rest.append(line)
                continue
            name = canonical(definition.group(1))
            with errors.collect():
                if name in _CATEGORIES:
                    raise ValueError(
                        f"ban entry '{line.strip()}': '@{name}' is already a category: "
                        "choose another name for the group"
                    )
                definitions.setdefault(name, []).extend(_entries(definition.group(2)))
        groups = _resolve_groups(definitions, errors)
        rules = tuple([rule for line in rest for rule in _rules(line, groups, errors)])
        errors.raise_all()
        return cls(rules)

    def reason(self, tag: str, present: Collection[str]) -> str | None:
        """The entry that bans the tag next to the tags `present`, or None."""
        name = canonical(tag)
        return self._first(lambda matcher: bool(name) and matcher.in_tag(name), present)

    def sentence_reason(self, sentence: str, present: Collection[str]) -> str | None:
        """The entry that bans the sentence next to the tags `present`, or None."""
        plain = " ".join(sentence.replace("_", " ").casefold().split())
        return self._first(lambda matcher: matcher.in_sentence(plain), present)

    def category_reason(self, name: str, present: Collection[str]) -> str | None:
        """The entry that bans every tag of the category `name`, or None."""
        banned = _CATEGORIES.get(name)
        return self._first(
            lambda matcher: isinstance(matcher, OfCategory) and matcher.category is banned, present
        )

    def _first(self, is_hit: Callable[[Matcher], bool], present: Collection[str]) -> str | None:
        names: list[str] | None = None
        for rule in self.rules:
            if not any(is_hit(matcher) for matcher in rule.matchers):
                continue
            if rule.conditions and names is None:
                names = [canonical(tag) for tag in present]
            if rule.is_active(names or ()):
                return rule.entry
        return None


def _entries(text: str) -> list[str]:
    """The entries of a line; a comma inside ``/.../`` does not separate."""
    return [entry for match in _ENTRY.finditer(text) if (entry := match.group(1).strip())]


def _rules(line: str, groups: _Groups, errors: ErrorCollector) -> list[_Rule]:
    condition = _CONDITION.fullmatch(line)
    required = _entries(condition.group(1)) if condition else []
    entries = _entries(condition.group(2) if condition else line)
    conditions = tuple([_matchers_of(entry, groups, errors) for entry in required])
    prefix = f"if {', '.join(required)}: " if condition else ""
    return [
        _Rule(prefix + entry, _matchers_of(entry, groups, errors), conditions) for entry in entries
    ]


def _matchers_of(entry: str, groups: _Groups, errors: ErrorCollector) -> tuple[Matcher, ...]:
    """The matchers of one entry; none where it has an error, which is collected."""
    with errors.collect():
        return _matchers(entry, groups)
    return ()


def _resolve_groups(definitions: Mapping[str, list[str]], errors: ErrorCollector) -> _Groups:
    """The matchers of each group and of the groups in it; a group in itself is an error."""
    resolved: dict[str, tuple[Matcher, ...]] = {}

    def resolve(name: str, inside: tuple[str, ...]) -> None:
        for entry in definitions[name]:
            inner = canonical(entry[1:]) if _NAMED.match(entry) else ""
            with errors.collect():
                if inner in inside:
                    resolved.setdefault(inner, ())
                    raise ValueError(
                        f"ban entry '{entry}': the group contains itself: remove it from the list"
                    )
            if inner in definitions and inner not in resolved:
                resolve(inner, (*inside, inner))
        found = [m for entry in definitions[name] for m in _matchers_of(entry, resolved, errors)]
        resolved[name] = tuple(dict.fromkeys(found))

    for name in definitions:
        if name not in resolved:
            resolve(name, (name,))
    return MappingProxyType(resolved)


def _matchers(entry: str, groups: _Groups) -> tuple[Matcher, ...]:
    """The matchers of one entry: several for a group. Raises ValueError for a bad entry."""
    if len(entry) > 2 and entry[0] == "/" == entry[-1]:
        try:
            return (Pattern(linear_regex.compile(entry[1:-1].replace("\\/", "/"))),)
        except ValueError as error:
            raise ValueError(
                f"ban entry '{entry}': {error}: correct the regular expression, or write the tag "
                "without slashes"
            ) from None
    if _NAMED.match(entry):
        return _named(entry, groups)
    if is_emoticon(entry):  # ``*_*`` is a face
        return (Exact(canonical(entry.replace("\\*", "*"))),)
    pieces = [
        _canonical_piece(piece.replace("\0", "*"))
        for piece in entry.replace("\\*", "\0").split("*")
    ]
    if len(pieces) == 1:
        return (Exact(canonical(pieces[0])),)
    if not any(piece.strip() for piece in pieces):
        raise ValueError(f"ban entry '{entry}' bans every tag: write more of the tag than a star")
    return (Glob(tuple(pieces)),)


def _named(entry: str, groups: _Groups) -> tuple[Matcher, ...]:
    """The matchers of ``@name``. Raises ValueError if no category or group has the name."""
    name = canonical(entry[1:])
    if name in _CATEGORIES:
        return (OfCategory(_CATEGORIES[name]),)
    if name not in groups:
        known = ", ".join(f"@{item}" for item in (*[c.value for c in Category], *groups))
        raise ValueError(
            f"ban entry '{entry}': there is no such category or group: use one of {known}, or "
            f"define the group in a line '{entry} = tag, tag'"
        )
    return groups[name]


def _canonical_piece(piece: str) -> str:
    """A piece of a glob in canonical spelling; blanks at its ends are kept."""
    plain = canonical(piece)
    spaced = piece.replace("_", " ")
    if not plain:
        return " " if spaced else ""
    return " " * spaced[0].isspace() + plain + " " * spaced[-1].isspace()
