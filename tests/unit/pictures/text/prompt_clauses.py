"""The clauses of a prompt."""

from __future__ import annotations

from collections.abc import Sequence

from tipo_core.pictures.text.prompt_schedule import Clause, PromptSchedule
from tipo_core.pictures.text.schedule_times import OF_STEPS


def clauses(texts: Sequence[str], steps: int, fractions: str = OF_STEPS) -> tuple[Clause, ...]:
    """Return the clauses of a prompt in a schedule of `steps` steps."""
    return PromptSchedule(tuple(texts), steps, fractions).clauses()
