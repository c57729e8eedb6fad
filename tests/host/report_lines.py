"""Reports of nodes, asserted by the facts in their lines."""

from __future__ import annotations

from collections.abc import Sequence


def line_with(report: str | Sequence[str], *facts: str) -> str:
    """Return the first line of a report that holds all `facts`: names, numbers, remedies."""
    lines = report.splitlines() if isinstance(report, str) else list(report)
    found = next((line for line in lines if all(fact in line for fact in facts)), None)
    assert found is not None, f"no line holds {facts}: {lines}"
    return found
