"""Ban lists in the syntax of other packs, written as rules of this one.

The nodes read the names of the syntaxes when ComfyUI starts, so the parser is imported on use.
Sources: kgen 0.3.1 `tag_filter`, used by z-tipo-extension; ComfyUI_DanTagGen `tag_gen`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

OWN_SYNTAX = "tipo"
_PLAIN = re.compile(r"[\w \-']+")
_ESCAPES = re.compile(r"\\[.^$*+?{}\[\]|()/-]")


class ForeignRules(NamedTuple):
    """Rules of this pack, and a sentence for each entry that has no equal one."""

    rules: str
    problems: tuple[str, ...] = ()


def _own(text: str) -> ForeignRules:
    return ForeignRules(text)


def _from_kgen(text: str) -> ForeignRules:
    """Return the rules of a list of z-tipo.

    An entry bans each tag that contains it, and each tag at whose start it matches as a regular
    expression.
    """
    from . import linear_regex

    rules: list[str] = []
    problems: list[str] = []
    for entry in _entries(text):
        rules.append(_glob(entry))
        if _PLAIN.fullmatch(entry):
            continue
        try:
            re.compile(entry)
        except (re.error, RecursionError, OverflowError):
            continue  # z-tipo stops with an error; the text of the entry is a rule anyway
        if not _ESCAPES.sub("", entry).strip("/") or re.escape(entry) == entry:
            continue
        pattern = f"^(?:{entry})"
        try:
            linear_regex.compile(pattern)
        except ValueError as error:
            problems.append(f"the regular expression {entry!r} has no equal rule here ({error})")
            continue
        escaped = re.sub(r"\\.|/", lambda match: r"\/" if match[0] == "/" else match[0], pattern)
        rules.append(f"/{escaped}/")
    return ForeignRules(_joined(rules), tuple(problems))


def _from_exact(text: str) -> ForeignRules:
    """Return the rules of a list of DanTagGen, whose entries are whole tags."""
    return ForeignRules(_joined([_exact(entry) for entry in _entries(text)]))


def _entries(text: str) -> list[str]:
    parts = (part.strip() for part in re.split(r"[,\r\n]", text))
    return list(dict.fromkeys(part for part in parts if part))


def _joined(rules: list[str]) -> str:
    return ", ".join(dict.fromkeys(rules))


def _glob(entry: str) -> str:
    """Return the glob for tags that contain the text `entry`."""
    return f"*{_without_if(entry).replace('*', chr(92) + '*')}*"


def _exact(entry: str) -> str:
    from ..vocabulary.plain_text import is_emoticon

    if _PLAIN.fullmatch(entry) or is_emoticon(entry):
        return _without_if(entry)
    pattern = re.sub(r"[\\.^$*+?{}\[\]|()/]", lambda match: chr(92) + match[0], entry)
    return f"/^{pattern.replace('_', ' ')}$/"


def _without_if(entry: str) -> str:
    """Return the entry without the word "if", which begins a condition; `_` is a blank in a tag."""
    return re.sub(r"(^|\s)if\s+", lambda m: f"{m[1] and '_'}if_", entry, flags=re.IGNORECASE)


SYNTAXES: Mapping[str, Callable[[str], ForeignRules]] = MappingProxyType(
    {OWN_SYNTAX: _own, "z-tipo": _from_kgen, "DanTagGen": _from_exact}
)


def read_rules(text: str, syntax: str) -> ForeignRules:
    """Return the rules of `text`, written in `syntax`. Raises ValueError for an unknown syntax."""
    if syntax not in SYNTAXES:
        raise ValueError(f"syntax {syntax!r} is unknown: choose {', '.join(SYNTAXES)}")
    return SYNTAXES[syntax](text)
