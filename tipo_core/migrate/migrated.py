"""The result of a migration: the new workflow, and the list of what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..lm.hub.catalog import NANO
from .old_nodes import PROMPT_DANTAGGEN, OldNode
from .replace_dantaggen import replace_dantaggen
from .replace_tipo import REPLACEMENTS
from .replacement import Note, OldValues, Replacement


@dataclass(frozen=True)
class Finding:
    """A remark on one node of the old workflow."""

    node_id: str
    title: str
    note: Note

    @classmethod
    def unread(cls, node_id: str, title: str, error: Exception) -> Finding:
        """Return the finding for a node that stays as it is."""
        return cls(node_id, title, Note(f"it stays as it is: {error}", is_lost=True))

    def __str__(self) -> str:
        return f"{self.title} (#{self.node_id}): {self.note.text}"


@dataclass(frozen=True)
class Migrated:
    """A converted workflow, the number of replaced nodes by type, and the findings."""

    workflow: Any
    counts: Mapping[str, int]
    findings: Sequence[Finding] = field(default=())

    @property
    def lost(self) -> list[Finding]:
        """The findings about values and links without an equal."""
        return [one for one in self.findings if one.note.is_lost]


def made_for(old: OldNode, values: OldValues, model: str = NANO) -> Replacement:
    """Return the replacement of an old node; `model` runs in place of DanTagGen's models."""
    if old is PROMPT_DANTAGGEN:
        return replace_dantaggen(values, model)
    return REPLACEMENTS[old.class_type](values)
