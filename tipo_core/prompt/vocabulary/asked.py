"""Style and filler words that a prompt must ask for: monochrome, chibi, heart, sketch, sword.

The table is `assets/slots/asked.txt`: groups of tags and the words that ask for each group. A tag
with the name of a series (`gap (touhou)`) is asked for by a series or a character.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from .tags import Category, canonical, category
from .word_tables import PhraseTable, entries, folded, sections, tokens

_NAME, _SERIES = "@name", "@series"
_MOST_WORDS = 4096
_QUALIFIED = re.compile(r".+ \(([^()]+)\)")
# Qualifiers that tell meanings of a word apart and name no series.
_MEANINGS = frozenset(
    """action animal book music card clothes computing container cosmetics creature crystal drink
    flower food fruit furniture game gemstone hardware headdress instrument insect jewelry liquid
    medium object ornament pattern phrase place plant projectile season shape sky sport style symbol
    tool toy vegetable vehicle weapon weather machine chess bird fish tree basic medium planet bowl
    incoming mail season sports""".split()
)


@dataclass(frozen=True)
class _AskedTable:
    """Groups of tags: by whole tag, by first and by last word; and the words that ask."""

    exact: dict[str, str]
    beginnings: dict[str, str]
    endings: dict[str, str]
    asking: PhraseTable[frozenset[str]]
    by_name: frozenset[str]
    by_series: frozenset[str]

    def group(self, name: str) -> str | None:
        """Return the group of a folded tag, None if nothing must ask for it."""
        if name in self.exact:
            return self.exact[name]
        words = name.split(" ")
        if len(words) < 2:
            return None
        return self.beginnings.get(words[0]) or self.endings.get(words[-1])


class AskedFor:
    """The groups of style and filler words that a prompt asks for."""

    def __init__(self) -> None:
        self._groups: set[str] = set()
        self._has_series = False

    def add(self, text: str, *, is_tag: bool) -> None:
        """Add a tag or a caption of the user."""
        table = _asked_table()
        if is_tag:
            group = table.group(folded(canonical(text)))
            if group is not None:
                self._groups.add(group)
            kind = category(text)
            if kind is Category.CHARACTERS:
                self._groups |= table.by_name | table.by_series
            if kind in (Category.CHARACTERS, Category.COPYRIGHTS):
                self._has_series = True
                self._groups |= table.by_series
        for match in table.asking.matches(tokens(text)[:_MOST_WORDS]):
            self._groups |= match.found

    def unasked(self) -> frozenset[str]:
        """Return the listed tags that the prompt does not ask for, without those of patterns."""
        table = _asked_table()
        return frozenset(tag for tag, group in table.exact.items() if group not in self._groups)

    def refuses(self, tag: str) -> bool:
        """Return whether a tag is a style or filler word that the prompt does not ask for."""
        name = canonical(tag)
        group = _asked_table().group(folded(name))
        if group is not None:
            return group not in self._groups
        qualified = _QUALIFIED.fullmatch(name)
        return (
            qualified is not None
            and not self._has_series
            and qualified.group(1) not in _MEANINGS
            and category(name) is Category.GENERAL
        )


@cache
def _asked_table() -> _AskedTable:
    exact: dict[str, str] = {}
    beginnings: dict[str, str] = {}
    endings: dict[str, str] = {}
    asking: dict[str, set[str]] = {}
    by_name, by_series = set(), set()
    for title, lines in sections("asked.txt"):
        fields = dict(line.split(":", 1) for line in lines)
        for tag in entries([fields["tags"]]):
            if tag.endswith(" *"):
                beginnings[folded(tag[:-2])] = title
            elif tag.startswith("* "):
                endings[folded(tag[2:])] = title
            else:
                exact.setdefault(folded(tag), title)
                if folded(tag).replace(" ", "").isalpha():
                    asking.setdefault(folded(tag), set()).add(title)
        for word in entries([fields["asked by"]]):
            if word == _NAME:
                by_name.add(title)
            elif word == _SERIES:
                by_series.add(title)
            else:
                asking.setdefault(folded(word), set()).add(title)
    return _AskedTable(
        exact,
        beginnings,
        endings,
        PhraseTable({word: frozenset(groups) for word, groups in asking.items()}),
        frozenset(by_name),
        frozenset(by_series),
    )
