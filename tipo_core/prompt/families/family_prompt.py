"""An expansion as the prompt of a model family."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ...report_lines import warning
from ..joins import join_tags, open_constructs
from ..syntax.composition import AND
from ..syntax.parse import Prompt, parse
from ..syntax.span_kind import SpanKind
from ..template import Template
from ..vocabulary.tags import Category, canonical, category
from .encoder_readings import EncoderReadings
from .family import PROMPT_TEXT, TAGS_TEXT, Family

WOVEN_IN, LEFT_OUT = "woven in", "left out"
# ComfyUI's keys of the tokens of CLIP's encoders.
CLIP_KEYS = ("l", "g", "h")
_USER_FIRST = "<|user|>, <|added|>. <|extended|>"
_TAGS = "<|user|>, <|added|>"
_CAPTION_FIRST = "<|extended|>. <|user|>"
_CAPTION_FIELDS = frozenset(("extended", "generated", "caption", "continued"))
_PERIODS = frozenset(("newest", "recent", "modern", "mid", "early", "old", "oldest"))
_YEAR = re.compile(r"year \d{4}")
_SCORE, _SOURCE, _PERIOD = "score", "source", "period"
_QUALITY, _RATING = str(Category.QUALITY), str(Category.RATING)
# Kinds of words of which a prompt has one value: a word of the user's own decides.
_EXCLUSIVE = frozenset((_SCORE, _PERIOD, _QUALITY, _RATING))
_FIELD_OF_KIND = MappingProxyType({_SCORE: _QUALITY, _PERIOD: _QUALITY, _SOURCE: _QUALITY})


@dataclass(frozen=True)
class FamilyPrompt:
    """The texts that a family's encoders read, and notes for a report.

    `prompt` is the whole prompt, `clip_text` the text for CLIP's encoders and `t5_text` that for
    all others. `words` are the family's words that were added.
    """

    prompt: str
    negative: str
    clip_text: str
    t5_text: str
    words: tuple[str, ...]
    notes: tuple[str, ...]


def family_prompt(
    family: Family, fields: Mapping[str, str], negative: str = "", prose_tags: str = WOVEN_IN
) -> FamilyPrompt:
    """Return an expansion's `fields` as the prompt of a family.

    The user's text stays verbatim, apart from the changes of `EncoderReadings`, which the notes
    name. The family's words are added, unless the user typed a word of their kind. The family's
    negative tags follow `negative`, the user's own, without those that the prompt has. `prose_tags`
    says what becomes of the tags of a family that reads sentences: they follow the caption, or are
    left out. Raises ValueError for an unknown value of it.
    """
    if prose_tags not in (WOVEN_IN, LEFT_OUT):
        raise ValueError(f"prose_tags {prose_tags!r} is unknown: choose {WOVEN_IN}, {LEFT_OUT}")
    readings = EncoderReadings(family)
    read = {
        name: readings.prose(text) if name in _CAPTION_FIELDS else readings.tags(text)
        for name, text in fields.items()
    }
    user = parse(fields.get("user", ""))
    typed = _words_of(user)
    known = {canonical(word) for word in typed | _words_of(parse(fields.get("added", "")))}
    chosen = _EXCLUSIVE & set(map(_kind, typed))
    words = [w for w in family.words if canonical(w) not in known and _kind(w) not in chosen]
    notes = [f"added: {', '.join(words)}"] if words else []
    if skipped := [w for w in family.words if _kind(w) in chosen and canonical(w) not in known]:
        notes.append(f"not added, because you typed tags of the kind: {', '.join(skipped)}")
    template, reason = _template(family, user)
    notes += [f"your tags keep their order, because {reason}"] if reason else []
    tags = _rendered(Template.parse(_TAGS), read, words)
    if family.is_prose and prose_tags == LEFT_OUT:
        template, note = _without_tags(family, read)
        notes.append(note)
    if not any(read.get(name, "").strip() for name in _CAPTION_FIELDS):
        template = template.replace(">. <", ">, <")  # tags end without a full stop
    prompt = _rendered(Template.parse(template), read, words)
    tags = tags or prompt
    texts = {PROMPT_TEXT: prompt, TAGS_TEXT: tags}
    own_negative = readings.tags(negative)
    notes += [*readings.notes(), *_syntax_notes(family, user)]
    added_negative = _negative_tags(family, own_negative, known, has_rating=_RATING in chosen)
    if not family.uses_negative:
        notes.append(f"{family.label} reads no negative prompt")
    elif added_negative:
        notes.append(f"negative: {', '.join(added_negative)}")
    return FamilyPrompt(
        prompt=prompt,
        negative=join_tags(own_negative, ", ".join(added_negative)),
        clip_text=_text_of(family, texts, is_clip=True),
        t5_text=_text_of(family, texts, is_clip=False),
        words=tuple(words),
        notes=tuple(notes),
    )


def token_notes(family: Family, counts: Mapping[str, Sequence[int]]) -> list[str]:
    """Return a line for each encoder: its tokens of text and, above its limit, what follows.

    `counts` are the tokens of text in each piece that an encoder reads, by ComfyUI's keys.
    """
    lines = []
    for encoder in family.encoders:
        found = [counts[key] for key in encoder.keys if key in counts]
        if not found:
            continue
        pieces = max(found, key=sum)
        total = sum(pieces)
        line = f"{encoder.name}: {total} {'token' if total == 1 else 'tokens'}"
        if len(pieces) > 1:
            line += f" in {len(pieces)} chunks"
        if encoder.limit is not None:
            line += f", limit {encoder.limit}"
            if total > encoder.limit and encoder.over:
                line += f": the text {encoder.over}"
                # An encoder that reads chunks reads all of the text.
                line = line if len(pieces) > 1 else warning(line)
        lines.append(line)
    return lines


def _text_of(family: Family, texts: Mapping[str, str], *, is_clip: bool) -> str:
    """The text of the family's encoders of one type; the whole prompt if it has none."""
    for encoder in family.encoders:
        if any(key in CLIP_KEYS for key in encoder.keys) is is_clip:
            return texts[encoder.text]
    return texts[PROMPT_TEXT]


def _words_of(prompt: Prompt) -> set[str]:
    return {word for segment in prompt.segments() for word in segment.words}


def _kind(word: str) -> str:
    """The kind of a word: score, source, period, or the category of the tag."""
    name = canonical(word)
    if name.startswith("score "):
        return _SCORE
    if name.startswith("source "):
        return _SOURCE
    if name in _PERIODS or _YEAR.fullmatch(name):
        return _PERIOD
    return str(category(word))


def _template(family: Family, user: Prompt) -> tuple[str, str]:
    """The family's template and "", or one that keeps the order of the user's tags, and why."""
    if "<|user|>" in family.template:
        return family.template, ""
    if open_constructs(str(user)):
        return _USER_FIRST, "a bracket or comment in them is open"
    if AND in _dividers(user):
        return _USER_FIRST, "AND divides them"
    return family.template, ""


def _rendered(template: Template, fields: Mapping[str, str], words: Sequence[str]) -> str:
    """The filled template with the family's words.

    They stand in the template's fields of their kind. If the template has none, or tags up to a
    BREAK stand before its fields, they stand at the start, of each prompt that AND divides.
    """
    if not words:
        return template.render(fields)
    if _QUALITY not in template.fields:
        return _in_each_prompt(template.render(fields), words)
    filled = {**fields, "head": _in_each_prompt(fields.get("head", ""), words)}
    if not filled["head"]:
        places: dict[str, list[str]] = {}
        for word in words:
            kind = _kind(word)
            name = _FIELD_OF_KIND.get(kind, kind)
            places.setdefault(name if name in template.fields else _QUALITY, []).append(word)
        for name, placed in places.items():
            filled[name] = join_tags(", ".join(placed), fields.get(name, ""))
    return template.render(filled)


def _prompts(text: str) -> list[str]:
    """The prompts that AND divides, each with the AND after it."""
    spans = parse(text).spans
    ends = [one.end for one in spans if one.kind is SpanKind.BREAK and one.text == AND]
    starts = [0, *ends]
    return [text[start:end] for start, end in zip(starts, [*ends, len(text)], strict=True)]


def _in_each_prompt(text: str, words: Sequence[str]) -> str:
    """The text with the words at the start of each prompt in it."""
    output = []
    for prompt in _prompts(text):
        bare = prompt.lstrip()
        if bare:
            blanks = prompt[: len(prompt) - len(bare)]
            output += [blanks, ", ".join(words), " " if bare == AND else ", "]
            prompt = bare
        output.append(prompt)
    return "".join(output)


def _without_tags(family: Family, fields: dict[str, str]) -> tuple[str, str]:
    """The template of a prompt without tags, and a note; networks stay in the field `user`."""
    segments = parse(fields.get("user", "")).segments()
    if not (fields.get("extended", "") + fields.get("generated", "")).strip():
        return family.template, "tags are not left out: there is no caption"
    if any(span.kind is SpanKind.BREAK for one in segments for span in one.spans):
        return family.template, "tags are not left out: BREAK or AND divides them"
    kept = [
        one.text
        for one in segments
        if not one.words and any(span.kind is not SpanKind.COMMENT for span in one.spans)
    ]
    count = len(segments) - len(kept) + len(parse(fields.get("added", "")).segments())
    fields["user"] = join_tags(*kept)
    note = f"left out: {count} {'tag' if count == 1 else 'tags'}"
    return _CAPTION_FIRST, f"{note}; kept: {', '.join(kept)}" if kept else note


def _negative_tags(
    family: Family, own: str, known: Collection[str], *, has_rating: bool
) -> list[str]:
    """The family's negative tags, without those that the prompt or the negative prompt has.

    A user who typed a rating decides about ratings in both.
    """
    typed = {canonical(word) for word in _words_of(parse(own))}
    return [
        tag
        for tag in family.negative
        if canonical(tag) not in typed
        and canonical(tag) not in known
        and not (has_rating and _kind(tag) == _RATING)
    ]


def _dividers(prompt: Prompt) -> set[str]:
    """The texts of the spans that divide a prompt: BREAK, AND."""
    spans = prompt.spans
    return {t for t, k in zip(spans.texts, spans.kinds, strict=True) if k is SpanKind.BREAK}


def _syntax_notes(family: Family, user: Prompt) -> list[str]:
    """A note on a BREAK, which divides only what CLIP reads."""
    others = [one.name for one in family.encoders if not set(one.keys) & set(CLIP_KEYS)]
    if not others or not _dividers(user) - {AND}:
        return []
    return [f"BREAK stays as typed and is a word for {' and '.join(others)}"]
