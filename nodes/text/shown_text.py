"""The texts that TIPO Expand and TIPO Single Task show: results, shortfalls, bans, metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...tipo_core.expansion.tasks import Field, Span

if TYPE_CHECKING:
    from ...tipo_core.expansion.request import Expansion, FieldResult
    from ...tipo_core.expansion.task import TaskRequest, TaskResult
    from ...tipo_core.prompt.translation.translate import Translation

FIELD_NAMES = {Field.TAG: "tags", Field.SHORT: "short", Field.LONG: "long"}


def metadata_text(metadata: Mapping[str, str]) -> str:
    """Return metadata as lines `key: value`, the form in which the nodes take it."""
    return "\n".join(f"{key}: {value}" for key, value in metadata.items())


def expansion_text(expansion: Expansion, variants: int) -> str:
    """Return the shown text of one of `variants`: the prompt, then notes on its shortfalls."""
    last_passes = {report.step.grows: report for report in expansion.passes}
    notes = []
    for field, report in last_passes.items():
        is_tags, length = field is Field.TAG, report.step.length
        span = length.tags if is_tags else length.sentences
        notes += _shortfall("tags" if is_tags else "caption", span, report.result)
    notes += _ban_notes(expansion.banned)
    notes += _translation_notes(expansion.translation)
    if expansion.repeats is not None:
        notes.append(f"(equal to #{expansion.repeats + 1}, draws: {expansion.attempts})")
    head = [f"#{expansion.variant + 1}"] if variants > 1 else []
    return "\n".join([*head, expansion.prompt, *notes, *_proposed(expansion.proposed)])


def task_text(request: TaskRequest, result: TaskResult) -> str:
    """Return the shown text of a task: its fields, then notes on shortfalls."""
    texts = {Field.TAG: result.tags, Field.SHORT: result.short, Field.LONG: result.long}
    lines = [f"{FIELD_NAMES[field]}: {texts[field]}" for field in request.task.fields]
    for field, field_result in result.results.items():
        # TIPO was trained without a length for a short caption and for short_to_long's caption.
        if field is Field.TAG or (field is Field.LONG and request.task.has_length):
            length = request.length
            span = length.tags if field is Field.TAG else length.sentences
            lines += _shortfall(FIELD_NAMES[field], span, field_result)
    lines += [*_ban_notes(result.banned), *_translation_notes(result.translation)]
    return "\n".join([*lines, *_proposed(result.proposed)])


def _shortfall(name: str, span: Span, field_result: FieldResult) -> list[str]:
    """Return a note if a field has fewer tags or sentences than requested."""
    if field_result.reached:
        return []
    count = f"{field_result.count} of {span.least}-{span.most}"
    return [f"({name}: {count}, {field_result.reason}, answers: {field_result.answers})"]


def _ban_notes(banned: Mapping[str, int]) -> list[str]:
    """Return a note per ban entry that rejected a tag: the entry and how often."""
    return [f"(banned by {entry!r}: {count})" for entry, count in banned.items()]


def _translation_notes(translation: Translation) -> list[str]:
    """Return a note on the words that were read as tags, and one on unknown words."""
    words = dict.fromkeys(
        (word.text, ", ".join(word.tags) or "no tag") for word in translation.words
    )
    notes = [f"(dictionary: {'; '.join(f'{word} = {tags}' for word, tags in words)})"]
    if translation.unknown:
        notes.append(f"(not in the dictionary: {', '.join(translation.unknown)})")
    return notes if words else notes[1:]


def _proposed(metadata: Mapping[str, str]) -> list[str]:
    return ["", "proposed metadata:", metadata_text(metadata)] if metadata else []
