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
from typing import NamedTuple

from ...error_collector import ErrorCollector
from ...surrogates import refuse_surrogates, require_text, shortened
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
MAX_GROUP_DEPTH = 50
_MAX_SHOWN = 80  # characters of an entry in an error
_ENTRY = re.compile(r"\s*(/(?:\\.|[^/\\\n])*/(?=\s*(?:,|\Z))|[^,]*)\s*(?:,|\Z)")
_GROUP_NAME = re.compile(r"[\w -]+")
_IF = re.compile(r"if\s+", re.IGNORECASE)
# The colon of a condition; ``:)`` and ``:(`` are faces.
_COLON = re.compile(r":(?=[^()])")
# The word "if" inside an entry. Underscores write it as a tag: ``if_they_mated``.
_IF_INSIDE = re.compile(r"(?:^|\s)if\s", re.IGNORECASE)
_IF_TAGS = frozenset(("if they mated",))
_NAMED = re.compile(r"@[^\W\d_]")
_Groups = Mapping[str, tuple[Matcher, ...]]


class _Rule(NamedTuple):
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
        definitions: dict[str, list[str]] = {}
        rest: list[str] = []
        for line in filter(None, map(str.strip, re.split(r"[\r\n]+", text))):
            definition = _definition(line)
            if definition is None:
                rest.append(line)
                continue
            name, entries = definition
            with errors.collect():
                if name in _CATEGORIES:
                    raise ValueError(
                        f"ban entry {_shown(line)}: '@{name}' is already a category: "
                        "choose another name for the group"
                    )
                definitions.setdefault(name, []).extend(entries)
        matchers = _Matchers(_resolve_groups(definitions, errors), errors)
        rules = tuple([rule for line in rest for rule in _rules(line, matchers)])
        errors.raise_all()
        return cls(rules)

    def reason(self, tag: str, present: Collection[str]) -> str | None:
        """The entry that bans the tag next to the tags `present`, or None."""
        name = canonical(tag)
        return self._first(lambda matcher: bool(name) and matcher.in_tag(name), present)

    def sentence_reason(self, sentence: str, present: Collection[str]) -> str | None:
        """The entry that bans the sentence next to the tags `present`, or None."""
        require_text("sentence", sentence)
        plain = " ".join(sentence.replace("_", " ").casefold().split())
        return self._first(lambda matcher: matcher.in_sentence(plain), present)

    def category_reason(self, name: str, present: Collection[str]) -> str | None:
        """The entry that bans every tag of the category `name`, or None."""
        banned = _CATEGORIES.get(name)
        return self._first(
            lambda matcher: isinstance(matcher, OfCategory) and matcher.category is banned, present
        )

    def _first(self, is_hit: Callable[[Matcher], bool], present: Collection[str]) -> str | None:
        if isinstance(present, (str, bytes)) or not isinstance(present, Collection):
            raise TypeError(f"present is {shortened(present)}: give a list or set of tags")
        names: list[str] | None = None
        for rule in self.rules:
            if not any(is_hit(matcher) for matcher in rule.matchers):
                continue
            if rule.conditions and names is None:
                names = [canonical(tag) for tag in present]
            if rule.is_active(names or ()):
                return rule.entry
        return None


def _definition(line: str) -> tuple[str, list[str]] | None:
    """The name and the entries of a line ``@name = entry, entry``; None for another line."""
    if not line.startswith("@"):
        return None
    name, equals, entries = line[1:].partition("=")
    if not equals or not _GROUP_NAME.fullmatch(name.rstrip()):
        return None
    return canonical(name), _entries(entries)


def _entries(text: str) -> list[str]:
    """The entries of a line; a comma inside ``/.../`` does not separate."""
    if "/" not in text:
        if "," not in text:
            return [entry] if (entry := text.strip()) else []
        return [entry for part in text.split(",") if (entry := part.strip())]
    return [entry for match in _ENTRY.finditer(text) if (entry := match.group(1).strip())]


def _rules(line: str, matchers: _Matchers) -> list[_Rule]:
    begin = _IF.match(line)
    colon = _COLON.search(line, begin.end() + 1) if begin else None
    if begin is None or colon is None:
        return [_Rule(entry, matchers.of(entry)) for entry in _entries(line)]
    required = _entries(line[begin.end() : colon.start()])
    if not required:
        matchers.errors.keep(
            ValueError(f"ban entry {_shown(line)}: the condition is empty: write 'if 1boy: skirt'")
        )
    conditions = tuple([matchers.of(entry) for entry in required])
    condition = ", ".join(required)
    prefix = f"if {condition if len(condition) <= _MAX_SHOWN else condition[:_MAX_SHOWN] + '...'}: "
    entries = _entries(line[colon.end() :])
    return [_Rule(prefix + entry, matchers.of(entry), conditions) for entry in entries]


class _Matchers:
    """The matchers of entries, with the groups that they may use; equal entries are read once."""

    def __init__(self, groups: _Groups, errors: ErrorCollector) -> None:
        self.errors = errors
        self._groups = groups
        self._known: dict[str, tuple[Matcher, ...]] = {}

    def of(self, entry: str) -> tuple[Matcher, ...]:
        """The matchers of one entry; none where it has an error, which is collected."""
        found = self._known.get(entry)
        if found is None:
            try:
                found = _matchers(entry, self._groups)
            except ValueError as error:
                self.errors.keep(error)
                found = ()
            self._known[entry] = found
        return found


def _resolve_groups(definitions: Mapping[str, list[str]], errors: ErrorCollector) -> _Groups:
    """The matchers of each group and of the groups in it; a group in itself is an error.

    Raises ValueError for groups that are nested too deep.
    """
    resolved: dict[str, tuple[Matcher, ...]] = {}
    # Groups inside each other from a group on, itself included.
    depths: dict[str, int] = {}

    def check_depth(entry: str, depth: int) -> None:
        if depth > MAX_GROUP_DEPTH:
            raise ValueError(
                f"ban entry {_shown(entry)}: groups are nested more than {MAX_GROUP_DEPTH} "
                "deep: list the tags themselves in the inner groups"
            )

    def resolve(name: str, inside: tuple[str, ...]) -> None:
        depths[name] = 1
        for entry in definitions[name]:
            inner = canonical(entry[1:]) if _NAMED.match(entry) else ""
            if inner not in definitions:
                continue
            if inner in resolved and inner not in inside:
                depths[name] = max(depths[name], 1 + depths.get(inner, 0))
                check_depth(entry, len(inside) - 1 + depths[name])
                continue
            check_depth(entry, len(inside) + 1)
            with errors.collect():
                if inner in inside:
                    resolved.setdefault(inner, ())
                    raise ValueError(
                        f"ban entry {_shown(entry)}: the group contains itself: remove it from the "
                        "list"
                    )
            if inner not in resolved:
                resolve(inner, (*inside, inner))
                depths[name] = max(depths[name], 1 + depths[inner])
        matchers = _Matchers(resolved, errors)
        found = [matcher for entry in definitions[name] for matcher in matchers.of(entry)]
        resolved[name] = tuple(dict.fromkeys(found))

    for name in definitions:
        if name not in resolved:
            resolve(name, (name,))
    return MappingProxyType(resolved)


def _matchers(entry: str, groups: _Groups) -> tuple[Matcher, ...]:
    """The matchers of one entry: several for a group. Raises ValueError for a bad entry."""
    if entry.isalnum():  # the usual case, which has no syntax
        return (Exact(canonical(entry)),)
    if len(entry) > 2 and entry[0] == "/" == entry[-1]:
        pattern = Pattern(entry[1:-1].replace("\\/", "/"))
        try:
            if not linear_regex.is_simple(pattern.pattern):
                _ = pattern.regex
        except ValueError as error:
            raise ValueError(
                f"ban entry {_shown(entry)}: {error}: correct the regular expression, or write the "
                "tag without slashes"
            ) from None
        return (pattern,)
    if _NAMED.match(entry):
        return _named(entry, groups)
    if _IF_INSIDE.search(entry) and canonical(entry) not in _IF_TAGS:
        raise ValueError(
            f"ban entry {_shown(entry)}: a condition begins a line of its own and ends with a "
            "colon: write 'if 1boy: skirt, dress', or underscores for a tag (if_they_mated)"
        )
    if is_emoticon(entry):  # ``*_*`` is a face
        return (Exact(canonical(entry.replace("\\*", "*"))),)
    if "*" not in entry:
        return (Exact(canonical(entry)),)
    pieces = [
        _canonical_piece(piece.replace("\0", "*"))
        for piece in entry.replace("\\*", "\0").split("*")
    ]
    if len(pieces) == 1:
        return (Exact(canonical(pieces[0])),)
    if not any(piece.strip() for piece in pieces):
        raise ValueError(
            f"ban entry {_shown(entry)} bans every tag: write more of the tag than a star"
        )
    return (Glob(tuple(pieces)),)


def _named(entry: str, groups: _Groups) -> tuple[Matcher, ...]:
    """The matchers of ``@name``. Raises ValueError if no category or group has the name."""
    name = canonical(entry[1:])
    if name in _CATEGORIES:
        return (OfCategory(_CATEGORIES[name]),)
    if name not in groups:
        known = ", ".join([f"@{item}" for item in (*[c.value for c in Category], *groups)][:30])
        raise ValueError(
            f"ban entry {_shown(entry)}: there is no such category or group: use one of {known}, "
            f"or define the group in a line {_shown(f'{entry} = tag, tag')}"
        )
    return groups[name]


def _shown(entry: str) -> str:
    """An entry in quotes for an error, cut if it is long."""
    return f"'{entry}'" if len(entry) <= _MAX_SHOWN else f"'{entry[:_MAX_SHOWN]}...'"


def _canonical_piece(piece: str) -> str:
    """A piece of a glob in canonical spelling; blanks at its ends are kept."""
    if not piece:
        return ""
    plain = canonical(piece)
    spaced = piece.replace("_", " ")
    if not plain:
        return " " if spaced else ""
    return " " * spaced[0].isspace() + plain + " " * spaced[-1].isspace()
