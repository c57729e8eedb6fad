"""The user's text: verbatim in the result, in plain words for the model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from ..prompt import Bans, Category, Segment, SpanKind, canonical, category, escape_tag, parse
from ..prompt.joins import join_caption, join_tags, open_constructs, without_closings
from ..prompt.sentences import ends_sentence
from ..prompt.syntax.composition import AND
from ..prompt.template import added_field
from ..prompt.translation.translate import (
    Translation,
    has_foreign_words,
    join_translations,
    replace_words,
    translate,
)
from ..prompt.translation.word_cutting import is_japanese
from .added_translations import TranslatedText, add_to_caption, add_to_tags, tag_sentence
from .tasks import TranslationMode

# Categories that the TIPO format writes as metadata lines, not in the tag line.
META_CATEGORIES = frozenset(Category) - {Category.SPECIAL, Category.GENERAL}
# `rating:safe`, `artist:wlop` and `@wlop` name their category; the metadata line holds the value.
_CATEGORY_PREFIX = re.compile(
    r"(?:rating|artist|meta|character|copyright)s? ?: ?|rating |@"
    r"|(?:drawn|art|artwork) by ?:? @?",
    re.IGNORECASE,
)
_LATIN_WORD = re.compile(r"[A-Za-z]{2}")


class UserTags:
    """Tags as the user typed them.

    `plain` are all tags in plain words, `general` those that stand in the model's tag line. `text`
    is the typed text as it is returned: with `escape_names` the parentheses of `name (series)` are
    escaped, because the host would read them as a weight; all else is verbatim.

    `elsewhere` are plain tags before the last AND: the additions follow it and are judged by the
    words there.

    `captions` are the user's sentences as they are returned, `plain_captions` is what the model
    reads of them. The model reads foreign words as tags, except with OFF; those of a caption
    without a Latin word stand in its tag line: the caption `is_tags`. With REPLACE the tags stand
    in place of the words. With ADD_TAGS they are additions: those of a text that BREAK or AND
    divides follow their region in it, all others are `added_tags` and `added_to_captions`, which
    follow the text. The entries of `bans` that refused one are counted in `banned`.
    """

    def __init__(
        self,
        text: str,
        escape_names: bool = True,
        mode: TranslationMode = TranslationMode.OFF,
        captions: Iterable[str] = (),
        bans: Bans | None = None,
    ) -> None:
        typed_captions = tuple(captions)
        is_off = mode is TranslationMode.OFF
        parts = [Translation() if is_off else translate(one) for one in (text, *typed_captions)]
        self.translation = join_translations(parts)
        self.is_tags = tuple(
            bool(part.tags) and _LATIN_WORD.search(caption) is None
            for part, caption in zip(parts[1:], typed_captions, strict=True)
        )
        plain = map(plain_caption, typed_captions)
        self.plain_captions = tuple(plain if is_off else map(replace_words, plain))
        self._escape_names = escape_names
        self._has_underscores = parse(text).uses_underscores
        is_japanese_text = is_japanese(text)
        if mode is TranslationMode.REPLACE:
            text = replace_words(text, self._underscored)
            typed_captions = tuple(replace_words(one, escape_tag) for one in typed_captions)
        prompt = parse(text)
        self._segments = prompt.segments()
        typed = [word for segment in self._segments for word in segment.words]
        self.plain = typed
        if self.translation.words or self.translation.unknown:
            own = set(parts[0].tags)
            tags = [
                tag
                for word in typed
                for tag in _translated_tag(word, is_japanese_text)
                if tag == word or tag in own
            ]
            for part, is_tags in zip(parts[1:], self.is_tags, strict=True):
                tags += part.tags if is_tags else ()
            self.plain = list(dict.fromkeys(tags))
        self.elsewhere = self._tags_elsewhere(is_japanese_text)
        self.general = [tag for tag in self.plain if category(tag) not in META_CATEGORIES]
        self.banned: Counter[str] = Counter()
        self._bans = bans
        self._opened: tuple[str, ...] = ()
        own_tags = TranslatedText(text)
        own_captions = [TranslatedText(one) for one in typed_captions]
        if mode is TranslationMode.ADD_TAGS:
            own_tags = add_to_tags(text, parts[0], self._is_allowed, self.spelled)
            known = {canonical(tag) for tag in (*typed, *parts[0].tags)}
            own_captions = [
                add_to_caption(one, part, self._is_allowed, known)
                for one, part in zip(typed_captions, parts[1:], strict=True)
            ]
        if own_tags.text != text:
            self._segments = parse(own_tags.text).segments()
        self._typed = own_tags.text
        self._opened = open_constructs(own_tags.text)
        self.text = self._returned(own_tags.text)
        self.added_tags = tuple(self.spelled(tag) for tag in own_tags.tags)
        self._added_names = own_tags.tags
        # The tags of foreign words that stand in `text`, plain and spelled, and their places.
        self.inside_tags = tuple(
            (tag, self._returned(self.spelled(tag))) for tag in own_tags.inside
        )
        self.inside_ranges = self._returned_ranges(own_tags.ranges)
        self.captions = tuple(one.text for one in own_captions)
        self.caption_ranges = tuple(one.ranges for one in own_captions)
        self.caption_tags = tuple(tag for one in own_captions for tag in (*one.inside, *one.tags))
        self.added_to_captions = tuple(
            tag_sentence(map(escape_tag, one.tags)) for one in own_captions
        )

    def _tags_elsewhere(self, is_japanese_text: bool) -> frozenset[str]:
        """Return the plain tags that stand before the last AND alone, in a prompt of their own."""
        end = max((one.end for one in self._segments if _has_and(one)), default=0)
        before: set[str] = set()
        after: set[str] = set()
        for segment in self._segments if end else ():
            side = before if segment.start < end else after
            side.update(
                t for word in segment.words for t in _translated_tag(word, is_japanese_text)
            )
        return frozenset(before - after)

    def _is_allowed(self, tag: str) -> bool:
        """Whether the bans allow to add a tag."""
        entry = None if self._bans is None else self._bans.reason(tag, self.plain)
        if entry is not None:
            self.banned[entry] += 1
        return entry is None

    def _underscored(self, tag: str) -> str:
        return escape_tag(tag.replace(" ", "_") if self._has_underscores else tag)

    def spelled(self, tag: str) -> str:
        """Return an added tag with the user's underscores or spaces, escaped for the host.

        It ends no construct that the user left open.
        """
        return without_closings(self._underscored(tag), self._opened)

    def spelled_tags(self, added_tags: Iterable[str]) -> list[tuple[str, str]]:
        """Return the tags that follow the user's, plain and spelled, foreign words' first."""
        return [(tag, self.spelled(tag)) for tag in (*self._added_names, *added_tags)]

    def added_caption(self, place: int, sentences: str) -> str:
        """Return the tags of the foreign words of caption `place`, then the model's `sentences`."""
        if not self.captions[place].strip():
            return sentences
        return join_caption(self.added_to_captions[place], sentences)

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

        A category holds the user's tags in their order, then the tags of foreign words, then the
        model's. `head` is the text up to the last BREAK or AND, as it is returned, and the
        categories begin after it: a tag on the other
        side of a BREAK would mean something else. `extended` is `caption` with its addition,
        `continued`; `generated` is a caption of the model alone.
        """
        parts: dict[str, list[str]] = {str(name): [] for name in Category}
        head = max((one.end for one in self._segments if _has_break(one)), default=0)
        for segment in self._segments:
            if segment.start >= head:
                name = category(segment.words[0]) if segment.words else Category.GENERAL
                parts[str(name)].append(self._returned(segment.text))
        typed_general = list(parts[str(Category.GENERAL)])
        spelled = []
        for tag, text in self.spelled_tags(added_tags):
            spelled.append(text)
            parts[str(category(tag))].append(text)
        # A template may place the caption after the user's tags.
        whole = join_caption(caption, without_closings(added_caption, self._opened))
        sentences = without_closings(added_caption, self._opened).strip()
        return {
            **{name: join_tags(*texts) for name, texts in parts.items()},
            "typed_general": join_tags(*typed_general),
            "added_general": join_tags(*parts[str(Category.GENERAL)][len(typed_general) :]),
            "caption": caption,
            "continued": sentences if caption.strip() else "",
            "head": self._returned(self._typed[:head]),
            "user": self.text,
            "added": ", ".join(spelled),
            "added_to_tags": "",
            "added_to_caption": "",
            added_field(caption): ", ".join(spelled),
            "extended": whole if caption.strip() else "",
            "generated": "" if caption.strip() else whole,
        }

    def _returned(self, typed: str) -> str:
        """Return a part of the typed text as the result has it."""
        return parse(typed).escaped() if self._escape_names else typed

    def _returned_ranges(self, ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        """Return the places that ranges of the typed text, in order, have in the result."""
        found: list[tuple[int, int]] = []
        position = length = 0
        for start, end in ranges:
            first = length + len(self._returned(self._typed[position:start]))
            length = first + len(self._returned(self._typed[start:end]))
            position = end
            found.append((first, length))
        return tuple(found)


def typed_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of an expansion as they are without the additions: the user's part alone.

    `fields` are those of `UserTags.template_fields`.
    """
    # `user` and `head` are escaped already.
    user = UserTags(fields.get("user", ""), escape_names=False)
    return user.template_fields((), fields.get("caption", ""), "")


def _translated_tag(tag: str, japanese: bool) -> tuple[str, ...]:
    """The tags that the model reads in place of one of the user's."""
    if not has_foreign_words(tag) or category(tag) in META_CATEGORIES:
        return (tag,)
    return translate(tag, japanese).tags


def _has_and(segment: Segment) -> bool:
    return any(span.kind is SpanKind.BREAK and span.text == AND for span in segment.spans)


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
