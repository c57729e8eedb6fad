"""The user's text: verbatim for him, in plain words for the model, and what is put behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..prompt import Category, Segment, SpanKind, category, escape_tag, parse
from ..prompt.template import ends_in_comment

# Categories that the TIPO format gives as metadata lines rather than in the tag line.
META_CATEGORIES = frozenset(Category) - {Category.SPECIAL, Category.GENERAL}
# ``rating:safe`` and ``artist:wlop`` say their category; its line holds the value alone.
_PREFIX = re.compile(
    r"(?:rating|artist|meta|character|copyright)s? ?: ?|rating |(?:drawn|art|artwork) by ?:? ",
    re.IGNORECASE,
)


class UserTags:
    """Tags as the user typed them.

    `plain` are all of them as the model reads them, `general` those that stand in its tag line.
    With `escape_names` the parentheses of `name (series)` come out escaped, because the host would
    read them as a weight; all else is verbatim.
    """

    def __init__(self, text: str, escape_names: bool = True) -> None:
        prompt = parse(text)
        self._typed = text
        self._escape_names = escape_names
        self._has_underscores = prompt.uses_underscores
        self._segments = prompt.segments()
        self.text = self._out(text)
        self.plain = [word for segment in self._segments for word in segment.words]
        self.general = [tag for tag in self.plain if category(tag) not in META_CATEGORIES]

    def written(self, tag: str) -> str:
        """Return an added tag in the user's own habit, safe to read for the host."""
        text = tag.replace(" ", "_") if self._has_underscores else tag
        return escape_tag(text)

    def metadata(self, meta: Mapping[str, str]) -> dict[str, str]:
        """Return the metadata lines: what is given, and the user's tags of those categories."""
        lines = dict(meta)
        for tag in self.plain:
            name = category(tag)
            if name in META_CATEGORIES:
                value = tag[match.end() :] if (match := _PREFIX.match(tag)) else tag
                lines[str(name)] = ", ".join(filter(None, (lines.get(str(name), ""), value)))
        return lines

    def by_category(self, added: Iterable[str]) -> dict[str, str]:
        """Return the text of each category: the user's own in his order, then what was added.

        `head` is the text up to his last BREAK or AND, verbatim, and the categories what is
        behind it: a tag that changed sides there would mean something else.
        """
        parts: dict[str, str] = {str(name): "" for name in Category}
        head = max((one.end for one in self._segments if _is_break(one)), default=0)
        parts["head"] = self._out(self._typed[:head])
        for segment in self._segments:
            if segment.start >= head:
                name = category(segment.words[0]) if segment.words else Category.GENERAL
                parts[str(name)] = join_tags(parts[str(name)], self._out(segment.text))
        for tag in added:
            name = category(tag)
            parts[str(name)] = join_tags(parts[str(name)], self.written(tag))
        return parts

    def _out(self, typed: str) -> str:
        """The user's text as it is returned."""
        return parse(typed).escaped() if self._escape_names else typed


def _is_break(segment: Segment) -> bool:
    return any(span.kind is SpanKind.BREAK for span in segment.spans)


def plain_caption(caption: str) -> str:
    """Return the caption as the model sees it: its own words, without weights and networks."""
    prompt = parse(caption)
    ordinary = {SpanKind.WORD, SpanKind.SEPARATOR, SpanKind.NEWLINE}
    if all(span.kind in ordinary for span in prompt.spans):
        return " ".join(caption.split())
    return ", ".join(word for segment in prompt.segments() for word in segment.words)


def join_tags(user: str, added: str) -> str:
    """Return `user` verbatim and `added` behind it, with one comma between them."""
    if not user.strip() or not added:
        return user + added if user.strip() else added
    if ends_in_comment(user):
        return f"{user}\n{added}"
    if user.rstrip().endswith(","):
        return user + ("" if user[-1].isspace() else " ") + added
    return user + ("" if user[-1].isspace() and user[-1] != " " else ", ") + added


def join_caption(user: str, added: str) -> str:
    """Return `user` verbatim and `added` behind it, with a space where one is needed."""
    if not user.strip():
        return added.strip()
    added = added.rstrip()
    if added and ends_in_comment(user):
        return f"{user}\n{added.lstrip()}"
    if added and (user[-1].isspace() or added[0].isspace() or added[0] in ",.;:!?'"):
        return user + (added.lstrip(" ") if user[-1].isspace() else added)
    return f"{user} {added}" if added else user
