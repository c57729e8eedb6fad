"""Requests and results as JSON values, for scripts and for the history of a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ..prompt.translation.translate import Translation
from ..surrogates import require_text
from .request import Expansion, ExpansionRequest, FieldResult
from .task import TaskRequest, TaskResult
from .tasks import Length, Task, TranslationMode

# Of the results. New keys do not change it; a key that is removed or means something else does.
VERSION = 1
NONE = "none"
TAGS_ONLY = "tags"

AnyRequest = TypeVar("AnyRequest", ExpansionRequest, TaskRequest)


def task_named(name: str) -> Task:
    """Return the task called `name`; `tags` is Task.TAGS. ValueError for unknown names."""
    require_text("task", name)
    names = {TAGS_ONLY: Task.TAGS, **{task.value: task for task in Task if task.value}}
    if name not in names:
        raise ValueError(f"task {name!r} is unknown: choose {', '.join(names)}")
    return names[name]


def length_named(name: str) -> Length:
    """Return the length class called `name`. ValueError for unknown names."""
    require_text("length", name)
    if name not in set(Length):
        raise ValueError(f"length {name!r} is unknown: choose {', '.join(Length)}")
    return Length(name)


def translation_named(name: str) -> TranslationMode:
    """Return the mode of translation called `name`. ValueError for unknown names."""
    if name not in set(TranslationMode):
        known = ", ".join(mode.value for mode in TranslationMode)
        raise ValueError(f"translation {name!r} is unknown: choose {known}")
    return TranslationMode(name)


def read_request(kind: type[AnyRequest], values: Mapping[str, Any]) -> AnyRequest:
    """Return the request that `values` describe; the keys are the names of the fields of `kind`.

    A length is the name of its class, or `none` to leave the part as it is; `pair_prior` may be
    null. ValueError for an
    unknown key, with the known ones, and for a value of the wrong type.
    """
    types = get_type_hints(kind)
    unknown = sorted(set(values) - set(types))
    if unknown:
        known = ", ".join(entry.name for entry in fields(kind))
        raise ValueError(f"unknown entry {unknown[0]!r} in the request: known are {known}")
    return kind(**{name: _read(name, types[name], value) for name, value in values.items()})


def _read(name: str, kind: Any, value: Any) -> Any:
    if kind is Task and isinstance(value, str):
        return task_named(str(value))
    if Length in (kind, *get_args(kind)) and (isinstance(value, str) or value is None):
        return None if value in (None, NONE) and kind is not Length else length_named(str(value))
    if kind is TranslationMode and isinstance(value, str):
        return translation_named(value)
    if bool in get_args(kind):
        if value is not None and not isinstance(value, bool):
            raise ValueError(f"{name} is {value!r} in the request: write true, false or null")
        return value
    plain = dict if get_origin(kind) is not None else kind
    if not isinstance(value, plain) or (plain is int and isinstance(value, bool)):
        raise ValueError(f"{name} is {value!r} in the request: write a {plain.__name__}")
    if plain is dict and not all(isinstance(text, str) for text in value.values()):
        raise ValueError(f"{name} is {value!r} in the request: write a text for each key")
    return value


def expansion_json(expansion: Expansion) -> dict[str, Any]:
    """Return an expansion as JSON values; docs/results-json.md describes them."""
    return {
        "version": VERSION,
        "pinned": expansion.was_pinned,
        "prompt": expansion.prompt,
        "tags": expansion.tags,
        "caption": expansion.caption,
        "added": expansion.added,
        "added_tags": list(expansion.added_tags),
        "added_caption": expansion.added_caption,
        "spans": [
            {
                "text": span.text,
                "origin": span.origin.value,
                **({"tag": span.tag} if span.tag else {}),
            }
            for span in expansion.spans
        ],
        "fields": dict(expansion.fields),
        "proposed": dict(expansion.proposed),
        "banned": dict(expansion.banned),
        "seed": expansion.seed,
        "variant": expansion.variant,
        "attempts": expansion.attempts,
        "repeats": expansion.repeats,
        **_translation_json(expansion.translation),
        "was_cancelled": expansion.was_cancelled,
        "seconds": round(expansion.seconds, 3),
        "passes": [
            {
                "task": report.step.task.value or TAGS_ONLY,
                "length": report.step.length.value,
                "round": report.round,
                "least": report.step.span.least,
                "most": report.step.span.most,
                **_field_json(report.step.grows, report.result),
            }
            for report in expansion.passes
        ],
    }


def task_json(result: TaskResult) -> dict[str, Any]:
    """Return the result of a single task as JSON values; docs/results-json.md describes them."""
    return {
        "version": VERSION,
        "tags": result.tags,
        "short": result.short,
        "long": result.long,
        "added": {name.value: text for name, text in result.added.items()},
        "proposed": dict(result.proposed),
        "banned": dict(result.banned),
        "asked": result.prompt,
        **_translation_json(result.translation),
        "was_cancelled": result.was_cancelled,
        "seconds": round(result.seconds, 3),
        "fields": [_field_json(name, one) for name, one in result.results.items()],
    }


def _translation_json(translation: Translation) -> dict[str, Any]:
    return {
        "translated": [{"text": word.text, "tags": list(word.tags)} for word in translation.words],
        "unknown_words": list(translation.unknown),
    }


def _field_json(name: Enum, result: FieldResult) -> dict[str, Any]:
    return {
        "grows": name.value,
        "count": result.count,
        "reached": result.reached,
        "reason": str(result.reason),
        "answers": result.answers,
        "prompt_tokens": result.prompt_tokens,
        "new_tokens": result.new_tokens,
        "rejected": dict(result.rejected),
    }
