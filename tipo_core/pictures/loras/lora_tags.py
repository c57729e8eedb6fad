"""Tags such as `<lora:name:0.8>` in a prompt.

The forms are those of the A1111 web UI (`extra_networks_lora.py`) and of ComfyUI-prompt-control:

- `<lora:name>` has the weight 1, `<lora:name:0.8>` one weight for model and text encoder;
- `<lora:name:0.8:0.5>` has the weight of the model, then that of the text encoder. A1111 reads the
  same two numbers in the other order (`clip_first`);
- `<lora:name:te=0.5:unet=1>` names them. As in A1111, `te` replaces a first number, and the model
  has the text encoder's weight where neither `unet` nor a second number gives one.

`<lyco:...>` is the same. `<hypernet:...>` and `<loractl:...>` are tags that no part of the pack
applies.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...prompt.syntax.span_kind import SpanKind

if TYPE_CHECKING:
    from ...prompt.syntax.parse import Spans

GROUPS = (SpanKind.WEIGHT, SpanKind.SCHEDULE, SpanKind.ALTERNATION)
_LORA = re.compile(r"<(?:lora|lyco):", re.IGNORECASE)
_UNSUPPORTED = re.compile(r"<(?:hypernet|loractl):", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST_NUMBER = 40  # characters
_WEIGHT_NAMES = ("te", "unet")


@dataclass(frozen=True)
class LoraTag:
    """A tag, verbatim in `text`, with the name of its file and the weights of model and CLIP.

    `is_timed`: the tag is inside `[from:to:when]` or `[a|b]`. `unused` are arguments that have no
    effect here, such as `lbw=IN02`.
    """

    text: str
    name: str
    model: float = 1.0
    clip: float = 1.0
    is_timed: bool = False
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class PromptTags:
    """The tags of a prompt in order, unsupported tags verbatim, and choices that hold tags."""

    loras: tuple[LoraTag, ...] = ()
    unsupported: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


def prompt_tags(text: str, *, clip_first: bool = False) -> PromptTags:
    """Return the tags anywhere in a prompt, in weights and schedules too.

    Escaped tags and tags in comments do not count. `clip_first` reads two numbers as A1111 does.
    Raises ValueError for a tag without a name, and for a weight that is no finite number.
    """
    if "<" not in text:
        return PromptTags()
    loras: list[LoraTag] = []
    unsupported: list[str] = []
    choices: list[str] = []
    for kind, found, is_timed in _found(prompt_spans(text)):
        if kind is SpanKind.WILDCARD:
            choices.append(found)
        elif _LORA.match(found):
            loras.append(_read(found, is_timed, clip_first))
        else:
            unsupported.append(found)
    return PromptTags(tuple(loras), tuple(unsupported), tuple(choices))


def prompt_spans(text: str) -> Spans:
    """Parse a prompt. The parser is imported on first use: it loads slowly."""
    from ...prompt.syntax.parse import parse

    return parse(text).spans


def is_network(tag: str) -> bool:
    """Whether an angle tag names a network, and is not words for a text encoder."""
    return bool(_LORA.match(tag) or _UNSUPPORTED.match(tag))


def _found(spans: Spans, is_timed: bool = False) -> Iterator[tuple[SpanKind, str, bool]]:
    """Each tag of a network, and each choice `{a|b}` with a LoRA in it, in order."""
    for index, (kind, text) in enumerate(zip(spans.kinds, spans.texts, strict=True)):
        if "<" not in text:
            continue
        if kind in GROUPS:
            yield from _found(spans[index].children, is_timed or kind is not SpanKind.WEIGHT)
        elif kind is SpanKind.ANGLE:
            if is_network(text):
                yield kind, text, is_timed
        elif kind is SpanKind.WILDCARD and _LORA.search(text):
            yield kind, text, is_timed


def _read(text: str, is_timed: bool, clip_first: bool) -> LoraTag:
    name, *arguments = (part.strip() for part in text[1:-1].split(":")[1:])
    if not name:
        raise ValueError(f"{text} has no name: write <lora:name:0.8>, or remove the tag.")
    named: dict[str, float] = {}
    numbers: list[float] = []
    unused: list[str] = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        key = key.strip().lower()
        if equals and key in _WEIGHT_NAMES:
            named[key] = _weight(value.strip(), text)
        elif equals or len(numbers) == 2:
            unused.append(argument)
        else:
            numbers.append(_weight(argument, text) if argument else 1.0)
    if len(numbers) == 2:
        model, clip = reversed(numbers) if clip_first else numbers
        clip = named.get("te", clip)
    else:
        clip = named.get("te", numbers[0] if numbers else 1.0)
        model = clip
    return LoraTag(text, name, named.get("unet", model), clip, is_timed, tuple(unused))


def _weight(text: str, tag: str) -> float:
    if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    shown = text if len(text) <= _LONGEST_NUMBER else f"{text[: _LONGEST_NUMBER - 3]}..."
    raise ValueError(
        f"{tag}: '{shown}' is not a weight. Write <lora:name:0.8>, or <lora:name:0.8:0.5> with "
        "the weights of model and text encoder."
    )
