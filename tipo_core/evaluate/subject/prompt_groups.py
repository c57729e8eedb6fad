"""Which prompt belongs to which drawn picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PromptGroups:
    """The different `prompts`, and for each picture the number of its prompt among them."""

    prompts: tuple[str, ...]
    prompt_of: tuple[int, ...]


def prompt_groups(text: str, count: int) -> PromptGroups:
    """Return the prompts of `count` pictures in their order, from a text with one prompt per line.

    A line for each picture; or fewer lines, each of which made as many pictures as the others, one
    prompt after the other. Equal lines are one prompt. No line is one prompt without words. Raises
    ValueError for a number of lines that cannot be.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    if len(lines) > count or count % len(lines):
        raise ValueError(
            f"prompts has {len(lines)} lines for {count} pictures: give a line for each picture, "
            "or lines that made the same number of pictures each"
        )
    each = count // len(lines)
    known = {line: number for number, line in enumerate(dict.fromkeys(lines))}
    return PromptGroups(tuple(known), tuple(known[line] for line in lines for _ in range(each)))
