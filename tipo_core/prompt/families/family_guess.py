"""Guesses a model's family from its architecture and, if several share it, from its file name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .family import Family

_BETWEEN_WORDS = re.compile(r"[\s_.\-]+")


@dataclass(frozen=True)
class GraphModel:
    """What a graph shows of its model: the names of ComfyUI's classes and of the file, or ""."""

    architecture: str = ""
    tokenizer: str = ""
    file_name: str = ""


@dataclass(frozen=True)
class FamilyGuess:
    """The guessed family, None for none, and how it was guessed or why not, for a report."""

    family: Family | None
    how: str


def guess_family(families: Sequence[Family], shown: GraphModel) -> FamilyGuess:
    """Return the family that the architecture shows, or else the text encoder.

    Of the families of one architecture that one is taken whose part of a file name is the longest
    in the model's; without a match, one that has no such parts.
    """
    if not shown.architecture and not shown.tokenizer:
        return FamilyGuess(None, "unknown: connect model or clip, or choose a family")
    evidence = f"the architecture {shown.architecture}"
    found = [one for one in families if shown.architecture in one.architectures]
    if not shown.architecture:
        evidence = f"the text encoder's {shown.tokenizer}"
        found = [one for one in families if shown.tokenizer in one.tokenizers]
    if not found:
        return FamilyGuess(None, f"unknown: no preset is for {evidence}; choose a family")
    general = [one for one in found if not one.file_names]
    # A preset of the user's comes after the shipped ones.
    family = general[-1] if general else None
    named = [one.label for one in found if one.file_names]
    if named:
        match = _longest_match(found, shown.file_name)
        if match is not None:
            part, family = match
            how = f"a guess from {part!r} in the file name {shown.file_name!r}, because {evidence} "
            return FamilyGuess(family, f"{how}does not tell the families that share it")
        seen = f"the file name {shown.file_name!r}" if shown.file_name else "no file name"
        evidence += f", which {', '.join(named)} share; {seen} points to none of them"
    if family is None:
        return FamilyGuess(None, f"unknown from {evidence}; choose a family")
    return FamilyGuess(family, f"from {evidence}")


def _longest_match(families: Iterable[Family], file_name: str) -> tuple[str, Family] | None:
    """The longest part of a family that is in a file name, and its family."""
    wanted = _folded(file_name)
    matches = [
        (part, family)
        for family in families
        for part in family.file_names
        if _folded(part) and _folded(part) in wanted
    ]
    return max(matches, key=lambda match: len(_folded(match[0])), default=None)


def _folded(name: str) -> str:
    return _BETWEEN_WORDS.sub("", name.casefold())
