"""Whose words a prompt has: the user's, an added tag's, an added sentence's, or the template's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...prompt import Category, Template, category, split_sentences
from ...prompt.origins import Origin, TextSpan
from ..user_text import UserTags

_ALL_ADDED = frozenset(("added", "added_to_tags", "added_to_caption"))
_GENERAL = frozenset((str(Category.GENERAL), "added_general"))
_CATEGORIES = frozenset(map(str, Category))
_SENTENCES = frozenset(("continued", "generated"))


def prompt_spans(
    template: Template,
    fields: Mapping[str, str],
    user: UserTags,
    added_tags: Sequence[str],
) -> tuple[TextSpan, ...]:
    """Return the spans of the prompt that `template` makes of `fields`; joined they are the prompt.

    `fields` are those of `user.template_fields`, `added_tags` the model's tags.
    """
    added = user.spelled_tags(added_tags)
    known: dict[str, list[TextSpan]] = {}
    spans: list[TextSpan] = []
    for part in template.filled(fields):
        if not part.field:
            spans.append(TextSpan(part.text, Origin.JOINT))
        if not part.field or not part.text:
            continue
        # A template may name a field a thousand times.
        if part.field not in known:
            known[part.field] = list(_field_spans(part.field, part.text, user, added))
        spans += known[part.field]
    return tuple(_merged(spans))


def _field_spans(
    name: str, text: str, user: UserTags, added: Sequence[tuple[str, str]]
) -> Iterator[TextSpan]:
    """Yield the spans of one field's value."""
    if name in ("user", "head"):
        yield from _with_inside_tags(text, user)
    elif name in ("caption", "extended"):
        end = len(user.captions[0])
        yield from _with_inside_sentences(text[:end], user.caption_ranges[0])
        yield from _sentence_spans(text[end:])
    elif name in _SENTENCES:
        yield from _sentence_spans(text)
    elif name in _ALL_ADDED:
        yield from _tag_spans(text, added)
    elif name in _GENERAL:
        general = [one for one in added if category(one[0]) is Category.GENERAL]
        yield from _tag_spans(text, general)
    elif name in _CATEGORIES:
        yield from _tag_spans(text, [one for one in added if str(category(one[0])) == name])
    else:
        yield TextSpan(text, Origin.USER)


def _tag_spans(text: str, tags: Iterable[tuple[str, str]]) -> Iterator[TextSpan]:
    """Yield the user's text, then the added tags that end `text`, from pairs of plain and spelled.

    They are looked for from the end, because the user may have typed the same words.
    """
    spans: list[TextSpan] = []
    end = len(text)
    for plain, spelled in reversed([one for one in tags if one[1].strip()]):
        start = text.rfind(spelled, 0, end)
        if start < 0:
            break
        spans.append(TextSpan(text[start + len(spelled) : end], Origin.JOINT))
        spans.append(TextSpan(spelled, Origin.TAG, plain))
        end = start
    typed = text[:end]
    if spans:
        bare = _without_joint(typed)
        spans.append(TextSpan(typed[len(bare) :], Origin.JOINT))
        typed = bare
    spans.append(TextSpan(typed, Origin.USER))
    yield from reversed(spans)


def _without_joint(typed: str) -> str:
    """Return the user's text without the comma and blank before the first added tag.

    A comma, blank or line break that ends the user's own text is not told from these.
    """
    return typed.removesuffix(", ") if typed.endswith(", ") else typed.rstrip(" \n")


def _with_inside_tags(text: str, user: UserTags) -> Iterator[TextSpan]:
    """Yield the user's tags, with the tags of foreign words that stand before a BREAK or AND."""
    waiting = list(reversed(user.inside_tags))
    position = 0
    for start, end in user.inside_ranges:
        yield TextSpan(text[position:start], Origin.USER)
        position = start
        while waiting:
            plain, spelled = waiting[-1]
            found = text.find(spelled, position, end)
            if found < 0:
                break
            waiting.pop()
            yield TextSpan(text[position:found], Origin.JOINT)
            yield TextSpan(spelled, Origin.TAG, plain)
            position = found + len(spelled)
    yield TextSpan(text[position:], Origin.USER)


def _with_inside_sentences(caption: str, ranges: Iterable[tuple[int, int]]) -> Iterator[TextSpan]:
    """Yield the user's caption, with the sentences of its foreign words before a BREAK or AND."""
    position = 0
    for start, end in ranges:
        yield TextSpan(caption[position:start], Origin.USER)
        yield from _sentence_spans(caption[start:end])
        position = end
    yield TextSpan(caption[position:], Origin.USER)


def _sentence_spans(added: str) -> Iterator[TextSpan]:
    """Yield added sentences; the stop and blank that join them to the user's text are a joint."""
    bare = added.lstrip(".\u3002 \n")
    yield TextSpan(added[: len(added) - len(bare)], Origin.JOINT)
    for sentence in split_sentences(bare):
        text = sentence.rstrip()
        yield TextSpan(text, Origin.SENTENCE)
        yield TextSpan(sentence[len(text) :], Origin.JOINT)


def _merged(spans: Iterable[TextSpan]) -> Iterator[TextSpan]:
    """Yield the spans that have text; neighbours of the user's or of joints are one."""
    last: TextSpan | None = None
    texts: list[str] = []
    for span in spans:
        if not span.text:
            continue
        is_same = last is not None and span.origin is last.origin
        if last is not None and is_same and span.origin in (Origin.USER, Origin.JOINT):
            texts.append(span.text)
            continue
        if last is not None:
            yield TextSpan("".join(texts), last.origin, last.tag)
        last, texts = span, [span.text]
    if last is not None:
        yield TextSpan("".join(texts), last.origin, last.tag)
