"""The start of a picture's file name: values of the graph in it, and names that cannot be.

`%Node.input%` and `%date:yyyy-MM-dd%` mean what they mean in core's Save Image, whose page replaces
them before it sends the graph. Graphs that do not come from the page are filled in here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from .graph_links import Graph

LONGEST_NAME = 255  # bytes of a folder or file, on the usual file systems
_PATTERN = re.compile("%([^%]+)%")
_DATE = re.compile("dd?|MM?|hh?|mm?|ss?|yyy?y?")
_LETTERS = re.compile("[A-Za-z]+")
_DATE_PARTS = {"d": "day", "M": "month", "h": "hour", "m": "minute", "s": "second"}
# As core's page replaces them in a value.
_NOT_IN_VALUES = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f\ud800-\udfff]')
# Windows and its file systems refuse these; Linux refuses half of a surrogate pair.
_NOT_IN_NAMES = re.compile(r'[?<>:*|"\x01-\x1f\x7f\ud800-\udfff]')
# Patterns that ComfyUI replaces when it saves.
_COMFY_PATTERNS = frozenset("year month day hour minute second width height batch_num".split())
# Words with a percent sign on both sides that were meant as a pattern; not "100% and 50%".
_LIKE_PATTERN = re.compile(r"[A-Za-z]\w*(?::.*)?", re.DOTALL)
_DRIVE = re.compile(r"[A-Za-z]:(?=[\\/])")
_DEEPEST = 50  # subgraphs inside subgraphs
_REMEDY = "write a name such as 'TIPO', or 'portraits/TIPO' for a subfolder"
_MAX_SHOWN = 80  # characters
_MAX_NAMED = 8  # patterns in a note
# Folders in one another. Python makes each by a call of its own.
_MAX_DEPTH = 50


def date_text(pattern: str, now: datetime) -> str:
    """Write a date as core's page does: d, M, h, m and s, once or twice, and yy or yyyy."""

    def part(found: re.Match[str]) -> str:
        letters = found[0]
        if letters == "yy":
            return f"{now.year % 100:02}"
        if letters == "yyyy":
            return str(now.year)
        if letters[0] in _DATE_PARTS:
            return str(getattr(now, _DATE_PARTS[letters[0]])).rjust(len(letters), "0")
        return letters

    return _DATE.sub(part, pattern)


def _not_in_dates(pattern: str) -> list[str]:
    """The letters of a date's pattern that stand for no part of it, such as YYYY."""
    rest = _DATE.sub(lambda found: found[0] if found[0] == "yyy" else " ", pattern)
    return _LETTERS.findall(rest)


def name_text(value: object) -> str:
    """A value as the page writes it into a file name."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, float) and value.is_integer():
        text = str(int(value))
    else:
        text = "" if value is None else str(value)
    return _NOT_IN_VALUES.sub("_", text)


class NamedNodes:
    """The nodes of a graph by the names that people give them in file names.

    A name is the node's "Node name for S&R", which is its type unless it was changed, or else its
    title. `workflow` is the page's graph, None for a graph without a page; its nodes inside
    subgraphs count too.
    """

    def __init__(self, graph: Graph, workflow: object) -> None:
        self._graph = graph
        by_name: dict[str, str] = {}
        by_title: dict[str, str] = {}
        on_the_page = dict(_all_nodes(workflow))
        for node_id, node in on_the_page.items():
            name = _get(node.get("properties"), "Node name for S&R")
            by_name.setdefault(str(name or node.get("type")), node_id)
            by_title.setdefault(str(node.get("title")), node_id)
        for node_id in graph.ids():
            found = graph.node(node_id)
            if found and node_id not in on_the_page:
                by_name.setdefault(found.class_type, node_id)
            by_title.setdefault(graph.title(node_id), node_id)
        self._ids = by_title | by_name

    def value(self, name: str, input_name: str) -> str | None:
        """Return the value of an input as text for a file name, or None for an unknown one."""
        node = self._graph.node(self._ids.get(name, ""))
        known, value = self._graph.any_value(node, input_name)
        return name_text(value) if known else None


def _all_nodes(workflow: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The nodes of a workflow file, each with its id in the graph: "3", or "3:7" in a subgraph."""
    definitions = _get(_get(workflow, "definitions"), "subgraphs")
    inside = {_get(one, "id"): one for one in definitions or [] if isinstance(_get(one, "id"), str)}

    def walk(graph: object, path: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
        nodes = _get(graph, "nodes")
        for node in nodes if isinstance(nodes, list) else []:
            if not isinstance(node, dict):
                continue
            node_id = f"{path}{node.get('id')}"
            yield node_id, node
            kind = node.get("type")
            if isinstance(kind, str) and kind in inside and depth < _DEEPEST:
                yield from walk(inside[kind], f"{node_id}:", depth + 1)

    yield from walk(workflow, "", 0)


def _get(mapping: object, key: str) -> Any:
    return mapping.get(key) if isinstance(mapping, dict) else None


def filled_prefix(
    prefix: str, value_of: Callable[[str, str], str | None], now: datetime
) -> tuple[str, list[str]]:
    """Replace the values and dates of a prefix, and every character that a file cannot have.

    `value_of` returns the value of an input of a named node, or None. Returns the prefix, and a
    note on the patterns, and the letters of dates, that stay as they are; none if all are replaced.
    """
    unknown: dict[str, None] = {}
    unread: dict[str, None] = {}
    letters: dict[str, None] = {}

    def replaced(found: re.Match[str]) -> str:
        name, dot, input_name = found[1].rpartition(".")
        if found[1].startswith("date:"):
            pattern = found[1].removeprefix("date:")
            if wrong := _not_in_dates(pattern):
                letters[f"{', '.join(dict.fromkeys(wrong))} in {found[0]}"] = None
            return _NOT_IN_VALUES.sub("_", date_text(pattern, now))
        if not dot:
            if found[1] not in _COMFY_PATTERNS and _LIKE_PATTERN.fullmatch(found[1]):
                unread[found[0]] = None
            return found[0]
        value = value_of(name, input_name)
        if value is None:
            unknown[found[0]] = None
        return found[0] if value is None else value

    text = safe_prefix(_PATTERN.sub(replaced, prefix))
    notes = [
        f"{problem}: {_quoted(found)}"
        for problem, found in (
            ("not found in the graph", unknown),
            ("no pattern of file names", unread),
            ("not replaced in the date", letters),
        )
        if found
    ]
    if unread or letters:
        notes.append("write a date as %date:yyyy-MM-dd%, a time as %date:hh.mm.ss%")
    return text, ["; ".join(notes)] if notes else []


def _quoted(found: Iterable[str]) -> str:
    """Some of the patterns, each cut if it is long."""
    texts = [text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..." for text in found]
    more = f" and {len(texts) - _MAX_NAMED} more" if len(texts) > _MAX_NAMED else ""
    return ", ".join(texts[:_MAX_NAMED]) + more


def safe_prefix(prefix: str, *, has_drives: bool = os.name == "nt") -> str:
    """Replace the characters that a file system refuses by "_"; both slashes make folders.

    The drive of a path such as C:/x is kept where the system has drives, which is on Windows.
    """
    drive = _DRIVE.match(prefix) if has_drives else None
    start = drive[0] if drive else ""
    return start + _NOT_IN_NAMES.sub("_", prefix[len(start) :]).replace("\\", "/")


def prefix_problem(prefix: str, output: str | Path) -> str | None:
    """Return why no file name in the folder `output` can start with `prefix`, or None.

    A path is allowed if it stays in `output`, as in core's Save Image.
    """
    shown = repr(prefix if len(prefix) <= _MAX_SHOWN else f"{prefix[:_MAX_SHOWN]}...")
    if "\0" in prefix:
        return f"filename_prefix {shown} has a NUL character: {_REMEDY}."
    path = os.path.normpath(prefix)
    root = os.path.abspath(output)
    folder = Path(os.path.abspath(os.path.join(root, os.path.dirname(path))))
    if os.path.basename(path) == ".." or not folder.is_relative_to(root):
        return f"filename_prefix {shown} leads out of the output folder: {_REMEDY}."
    if os.path.basename(path) == ".":
        return f"filename_prefix {shown} has no name: {_REMEDY}."
    file = next((one for one in (folder, *folder.parents) if one.is_file()), None)
    if file is not None:
        return f"filename_prefix {shown}: {file.name} is a file, not a folder: {_REMEDY}."
    if len(folder.relative_to(root).parts) > _MAX_DEPTH:
        return (
            f"filename_prefix {shown} has more than {_MAX_DEPTH} folders in one another: {_REMEDY}."
        )
    return None


def name_problem(name: str) -> str | None:
    """The reason that a file cannot have this name, with the remedy, or None."""
    size = len(os.fsencode(name))
    if size <= LONGEST_NAME:
        return None
    return (
        f"The file name '{name[:40]}...' has {size} bytes, and a file system takes {LONGEST_NAME}: "
        "shorten filename_prefix, or the text that it takes from the graph."
    )
