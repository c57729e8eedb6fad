"""The word lists that training prompts are made of, in `words.txt`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

WORDS_FILE = Path(__file__).with_name("words.txt")


def words(name: str) -> tuple[str, ...]:
    """The entries of a section. Raises KeyError for an unknown one."""
    return _sections()[name]


@cache
def _sections() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    section: list[str] = []
    for line in WORDS_FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            section += line.split("|")
    return {name: tuple(entries) for name, entries in found.items()}
