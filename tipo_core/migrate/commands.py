"""The command `migrate`: a workflow of another pack's nodes, converted to this one's."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..lm.hub.catalog import NANO
from .api_prompts import is_api_prompt, migrate_prompt
from .migrated import Migrated
from .ui_workflows import is_ui_workflow, migrate_workflow

# The exit code of a migration in which a value or link was lost.
LOST = 3
_TOO_DEEP = "has too many lists or objects inside each other: no page writes such a workflow"
_FORMS = "a workflow (File > Save) or a graph in API form (File > Export (API))"


def add_migrate(commands: Any) -> None:
    """Add the command to the parsers of the command line."""
    sub = commands.add_parser(
        "migrate",
        help="convert a workflow from z-tipo-extension or DanTagGen",
        description="Converts the nodes TIPO, TIPOOperation, TIPOFormat (z-tipo-extension) and "
        "PromptDanTagGen in a workflow or a graph in API form. Values and links that have no equal "
        f"are listed on standard error; the exit code is then {LOST}.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    sub.add_argument("old", metavar="OLD", help="the workflow; it is never changed")
    sub.add_argument("new", metavar="NEW", help="the file to write")
    sub.add_argument(
        "--force", action="store_true", help="replace the file NEW if there is one already"
    )
    sub.add_argument(
        "--dantaggen-model",
        default=NANO,
        metavar="NAME",
        help="model that runs in place of DanTagGen's",
    )


def run_migrate(given: Mapping[str, Any]) -> int:
    """Convert the file and write the list of changes; return the exit code."""
    old, new = Path(given["old"]), Path(given["new"])
    _check_new(old, new, given["force"])
    migrated = migrate_file(old, given["dantaggen_model"])
    try:
        text = _as_text(migrated.workflow)
    except RecursionError:
        raise ValueError(f"{old} {_TOO_DEEP}") from None
    new.write_text(text, encoding="utf-8", newline="\n")
    replaced = ", ".join(f"{count} {name}" for name, count in sorted(migrated.counts.items()))
    sys.stdout.write(f"{new}: {replaced or 'no node'} replaced\n")
    for finding in migrated.findings:
        sys.stderr.write(f"{'lost' if finding.note.is_lost else 'note'}: {finding}\n")
    return LOST if migrated.lost else 0


def _check_new(old: Path, new: Path, force: bool) -> None:
    """Raise ValueError for a new file that would replace another one."""
    if new.exists() and old.exists() and new.samefile(old):
        raise ValueError(f"{new} is the old workflow, which is never changed: give another name")
    if new.is_dir():
        raise ValueError(f"{new} is a folder: give the name of a file")
    if new.exists() and not force:
        raise ValueError(f"{new} exists already: give another name, or --force to replace it")


def migrate_file(path: Path, model: str = NANO) -> Migrated:
    """Return the converted workflow of a file. Raises ValueError for another kind of file."""
    try:
        values = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise ValueError(f"there is no file {str(path)!r}: check the path") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON ({error}): give {_FORMS}") from None
    try:
        migrated = migrate_values(values, model)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if migrated is None:
        raise ValueError(f"{path} is no workflow: give {_FORMS}")
    return migrated


def migrate_values(values: Any, model: str = NANO) -> Migrated | None:
    """Return the converted workflow, None for a value that is no workflow.

    The body of a request to `POST /prompt` is converted too, with the workflow in it. Raises
    ValueError for lists or objects in each other beyond Python's limit of about a thousand.
    """
    try:
        return _migrated(values, model)
    except RecursionError:
        raise ValueError(f"the workflow {_TOO_DEEP}") from None


def _migrated(values: Any, model: str) -> Migrated | None:
    if is_ui_workflow(values):
        return migrate_workflow(values, model)
    if is_api_prompt(values):
        return migrate_prompt(values, model)
    if not isinstance(values, dict) or not is_api_prompt(values.get("prompt")):
        return None
    migrated = migrate_prompt(values["prompt"], model)
    body = {**values, "prompt": migrated.workflow}
    extra = body.get("extra_data")
    info = extra.get("extra_pnginfo") if isinstance(extra, dict) else None
    is_with_workflow = isinstance(info, dict) and is_ui_workflow(info.get("workflow"))
    if isinstance(extra, dict) and isinstance(info, dict) and is_with_workflow:
        workflow = migrate_workflow(info["workflow"], model).workflow
        body["extra_data"] = {**extra, "extra_pnginfo": {**info, "workflow": workflow}}
    return Migrated(body, migrated.counts, migrated.findings)


def _as_text(values: Any) -> str:
    text = json.dumps(values, ensure_ascii=False, indent=2) + "\n"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a character, which only an escape can write
        return json.dumps(values, indent=2) + "\n"
    return text
