"""Joins tags and captions to a text of the user, which stays verbatim and keeps its meaning.

Commas and line breaks separate tags, blanks do not. A construct that the user left open must not
take in the text that follows: a comment ends at a line break, an unclosed bracket stays unclosed.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from .sentences import ends_sentence, stop_for
from .syntax.brackets import open_brackets
from .syntax.comments import BLOCK, has_open_block
from .syntax.composition import AND, split_and_weight
from .syntax.emphasis import END as EMPHASIS_END
from .syntax.parse import parse
from .syntax.span_kind import SpanKind

SEPARATORS = (",", "\uff0c", "\u3001")  # those of the scanner
_LINE_BREAKS = frozenset("\r\n")
# A text that each construct takes in which ends with its line: comments, unclosed angle tags.
_PROBE = " x>"
# An emoticon stays one only before a comma or a line break.
_LINE_CONSTRUCT = re.compile(r"[#<]|//|--|[:;=]\)[ \t]*\Z")
_CLOSING_OF = MappingProxyType({"(": ")", "[": "]", "{": "}"})
_BRACKET = re.compile(r"(?<!\\)[()\[\]{}]")
# The place in the middle of a sign that ends a construct.
_INSIDE_END = MappingProxyType(
    {BLOCK: re.compile(r"(?<=\*)(?=/)"), EMPHASIS_END: re.compile("(?<=:)(?=:)")}
)
_EMPHASIS = SpanKind.EMPHASIS
_CLOSING_SIGNS = frozenset(")]}\"'\u201d\u2019\u300d\u300f\uff09\u3011")
# Kinds of spans after which a full stop ends a sentence.
_WORDS = frozenset(
    (
        *(SpanKind.WORD, SpanKind.WEIGHT, SpanKind.QUALIFIER, SpanKind.SCHEDULE),
        *(SpanKind.ALTERNATION, SpanKind.ESCAPE),
    )
)
_EXTENDED = frozenset((SpanKind.WORD, SpanKind.SEPARATOR, SpanKind.NEWLINE))


def ends_in_separator(text: str) -> bool:
    """Whether a tag that follows the text needs no comma: it ends with a comma or a line break."""
    bare = text.rstrip()
    return bare.endswith(SEPARATORS) or not _LINE_BREAKS.isdisjoint(text[len(bare) :])


def ends_in_open_line(text: str) -> bool:
    """Whether text that follows on the same line would belong to the last construct.

    Examples: a comment, an unclosed ``<lora:name``, the parameter ``--no hat``, and the ``:)`` of
    ``(a :)``, which would close the bracket.
    """
    if not _LINE_CONSTRUCT.search(text):
        return False
    spans = parse(text).spans
    longer = parse(text + _PROBE).spans
    last = len(spans) - 1
    if len(longer) <= last or longer.kinds[last] is not spans.kinds[last]:
        return True
    if longer.starts[last] != spans.starts[last]:
        return True
    if spans.kinds[last] in _EXTENDED:
        return not longer.texts[last].startswith(spans.texts[last])
    return longer.texts[last] != spans.texts[last]


def join_tags(*tags: str) -> str:
    """Return the texts of tags, each verbatim, with one comma between two; blank ones are left out.

    A text that ends with a comma or a line break gets no comma, one that ends in a comment gets a
    line break.
    """
    output: list[str] = []
    for text in tags:
        if not text.strip():
            continue
        if output:
            output.append(_between_tags(output[-1]))
        output.append(text)
    return "".join(output)


def add_tags(user: str, *added: str) -> str:
    """Return `user` and the tags `added` after it, like `join_tags`.

    The weight of a last prompt after AND stays at the end, where it is read: ``a AND b :0.5`` and
    ``rain`` are ``a AND b, rain :0.5``.
    """
    _, weight = last_and_prompt(user) if any(map(str.strip, added)) else ("", "")
    return join_tags(user.removesuffix(weight), *added) + weight


def last_and_prompt(text: str) -> tuple[str, str]:
    """Return the last of the prompts that AND joins, and the weight that ends it.

    The blanks around a weight belong to it: ``b`` and `` :0.5`` of ``a AND b :0.5``. Both are ""
    for a text without AND, and where the last prompt has no weight or nothing else.
    """
    if AND not in text or ":" not in text:
        return "", ""
    spans = parse(text).spans
    last = max(
        (
            place
            for place, kind in enumerate(spans.kinds)
            if kind is SpanKind.BREAK and spans.texts[place] == AND
        ),
        default=None,
    )
    if last is None:
        return "", ""
    start = spans[last].end
    prompt, weight = split_and_weight(text[start:])
    if weight is None or not prompt.strip():
        return "", ""
    return prompt.lstrip(), text[start + len(prompt) :]


def _between_tags(left: str) -> str:
    if ends_in_open_line(left):
        return "\n"
    if ends_in_separator(left):
        return "" if left[-1].isspace() else " "
    return ", "


def join_caption(user: str, added: str) -> str:
    """Return `user` verbatim, a full stop and a space where needed, and the sentences `added`."""
    if not user.strip():
        return added.strip()
    added = without_closings(added.strip(), open_constructs(user))
    if not added:
        return user
    if ends_in_open_line(user):
        return f"{user}\n{added}"
    if added[0] in ",.;:!?'" and not user[-1].isspace():
        return user + added
    stop = _missing_stop(user)
    return f"{user}{stop}{'' if user[-1].isspace() and not stop else ' '}{added}"


def _missing_stop(caption: str) -> str:
    """The full stop that a caption lacks; none after a comma, a LoRA or a line break."""
    bare = caption.rstrip()
    if ends_sentence(bare) or not _LINE_BREAKS.isdisjoint(caption[len(bare) :]):
        return ""
    if not (bare[-1].isalnum() or bare[-1] in _CLOSING_SIGNS):
        return ""
    return stop_for(bare) if parse(bare).spans[-1].kind in _WORDS else ""


def open_constructs(text: str) -> tuple[str, ...]:
    """The signs in the text that wait for their end: ``(``, ``[``, ``{``, ``/*`` and ``::``."""
    # Before other text the sign of ``:(`` or ``:)`` is a bracket, before a line break it is not.
    found = list(dict.fromkeys((*open_brackets(f"{text} x"), *open_brackets(f"{text}\nx"))))
    if has_open_block(text):
        found.append(BLOCK)
    if EMPHASIS_END in text and parse(f"{text}\n{EMPHASIS_END}").spans[-1].kind is _EMPHASIS:
        found.append(EMPHASIS_END)
    return tuple(found)


def without_closings(added: str, opened: tuple[str, ...]) -> str:
    """Change `added` so that it ends none of the constructs that are `opened` before it.

    Brackets without a partner in `added` are escaped, the other signs get a blank in the middle.
    """
    if not opened:
        return added
    for sign, inside_end in _INSIDE_END.items():
        if sign in opened:
            added = inside_end.sub(" ", added)
    depths = dict.fromkeys(opened, 0)
    kinds = {_CLOSING_OF[sign]: sign for sign in opened if sign in _CLOSING_OF}

    def escaped(match: re.Match[str]) -> str:
        bracket = match.group()
        if bracket in depths:
            depths[bracket] += 1
        elif bracket in kinds:
            if not depths[kinds[bracket]]:
                return f"\\{bracket}"
            depths[kinds[bracket]] -= 1
        return bracket

    return _BRACKET.sub(escaped, added) if kinds else added
