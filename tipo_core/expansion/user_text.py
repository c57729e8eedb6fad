"""The user's text: verbatim in the result, in plain words for the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..prompt import Category, Segment, SpanKind, category, escape_tag, parse
from ..prompt.joins import join_caption, join_tags, open_constructs, without_closings
from ..prompt.sentences import ends_sentence

# Categories that the TIPO format writes as metadata lines, not in the tag line.
META_CATEGORIES = frozenset(Category) - {Category.SPECIAL, Category.GENERAL}
# `rating:safe`, `artist:wlop` and `@wlop` name their category; the metadata line holds the value.
_CATEGORY_PREFIX = re.compile(
    r"(?:rating|artist|meta|character|copyright)s? ?: ?|rating |@"
    r"|(?:drawn|art|artwork) by ?:? @?",
    re.IGNORECASE,
)


class UserTags:
    """Tags as the user typed them.

    `plain` are all tags in plain words, `general` those that stand in the model's tag line. `text`
    is the typed text as it is returned: with `escape_names` the parentheses of `name (series)` are
    escaped, because the host would read them as a weight; all else is verbatim.
    """

    def __init__(self, text: str, escape_names: bool = True) -> None:
        prompt = parse(text)
        self._typed = text
        self._escape_names = escape_names
        self._has_underscores = prompt.uses_underscores
        self._segments = prompt.segments()
        self._opened = open_constructs(text)
        self.text = self._returned(text)
        self.plain = [word for segment in self._segments for word in segment.words]
        self.general = [tag for tag in self.plain if category(tag) not in META_CATEGORIES]

    def spelled(self, tag: str) -> str:
        """Return an added tag with the user's underscores or spaces, escaped for the host.

        It ends no construct that the user left open.
        """
        text = tag.replace(" ", "_") if self._has_underscores else tag
        return without_closings(escape_tag(text), self._opened)

    def metadata(self, meta: Mapping[str, str]) -> dict[str, str]:
        """Return the metadata for the model: `meta`, and the user's tags of those categories."""
        lines = {name: [value] for name, value in meta.items()}
        for tag in self.plain:
            name = category(tag)
            if name in META_CATEGORIES:
                value = tag[match.end() :] if (match := _CATEGORY_PREFIX.match(tag)) else tag
                lines.setdefault(str(name), []).append(value)
        return {name: ", ".join(filter(None, values)) for name, values in lines.items()}

    def template_fields(
        self, added_tags: Iterable[str], caption: str, added_caption: str
    ) -> dict[str, str]:
        """Return each field of a template, from the user's text and the model's additions.

        A category holds the user's tags in their order, then the added ones. `head` is the text up
        to the last BREAK or AND, verbatim, and the categories begin after it: a tag on the other
        side of a BREAK would mean something else. `extended` is `caption` with its addition,
        `generated` a caption of the model alone.
        """
        parts: dict[str, list[str]] = {str(name): [] for name in Category}
        head = max((one.end for one in self._segments if _has_break(one)), default=0)
        for segment in self._segments:
            if segment.start >= head:
                name = category(segment.words[0]) if segment.words else Category.GENERAL
                parts[str(name)].append(self._returned(segment.text))
        spelled = []
        for tag in added_tags:
            name = category(tag)
            spelled.append(self.spelled(tag))
            parts[str(name)].append(spelled[-1])
        # A template may place the caption after the user's tags.
        whole = join_caption(caption, without_closings(added_caption, self._opened))
        return {
            **{name: join_tags(*texts) for name, texts in parts.items()},
            "head": self._returned(self._typed[:head]),
            "user": self.text,
            "added": ", ".join(spelled),
            "extended": whole if caption.strip() else "",
            "generated": "" if caption.strip() else whole,
        }

    def _returned(self, typed: str) -> str:
        """Return a part of the typed text as the result has it."""
        return parse(typed).escaped() if self._escape_names else typed


def _has_break(segment: Segment) -> bool:
    return any(span.kind is SpanKind.BREAK for span in segment.spans)


def plain_caption(caption: str) -> str:
    """Return a caption in plain words for the model, without weights and networks."""
    prompt = parse(caption)
    ordinary = {SpanKind.WORD, SpanKind.SEPARATOR, SpanKind.NEWLINE}
    if all(span.kind in ordinary for span in prompt.spans):
        return " ".join(caption.split())
    output: list[str] = []
    end = 0
    for segment in prompt.segments():
        if not segment.words:
            continue
        if output:
            # A sentence gets no comma, and neither do words that only a line break divides.
            is_comma = caption[end : segment.start].strip() and not ends_sentence(output[-1])
            output.append(", " if is_comma else " ")
        output.append(segment.plain)
        end = segment.end
    return "".join(output)
