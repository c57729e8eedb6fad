"""Accuracy of splitting mixed prompts, on prompts whose sides are known.

A segment (a tag, a sentence, a network, ...) is right where all its characters are on its own side.
A prompt is preserved where its joined parts are the prompt, and every right segment is verbatim on
its side.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tipo_core.prompt import Side, SplitPrompt, split_prompt

from .mixed_prompts import MixedPrompt, Piece

SIDES = (Side.TAGS, Side.CAPTION, Side.NETWORKS, Side.REST)
_EXAMPLES = 40


@dataclass(frozen=True)
class SplitReport:
    """The figures of `docs/split-quality.md`; shares are from 0 to 1.

    `confusion` counts segments by true side, then by found side; `mistakes` are the first wrong
    segments, each with the found side and the prompt.
    """

    prompts: int
    segments: int
    right: float
    preserved: float
    right_by_pattern: Mapping[str, float]
    confusion: Mapping[str, Mapping[str, int]]
    mistakes: Sequence[tuple[str, str, str]]

    def to_json(self) -> str:
        """Return the report as JSON text."""
        return json.dumps(self.__dict__, indent=2, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """Return the confusion table and the shares as markdown."""
        names = [side.value for side in SIDES]
        lines = [f"| true side | {' | '.join(names)} | right |", "|---" * 6 + "|"]
        for name in names:
            row = self.confusion[name]
            share = row[name] / (sum(row.values()) or 1)
            cells = " | ".join(f"{row[found]:,}" for found in names)
            lines.append(f"| {name} | {cells} | {share:.2%} |")
        lines += ["", "| pattern | right |", "|---|---|"]
        lines += [f"| {name} | {share:.2%} |" for name, share in self.right_by_pattern.items()]
        lines += ["", f"{self.prompts:,} prompts, {self.segments:,} segments: {self.right:.2%} "]
        lines[-1] += f"right, {self.preserved:.2%} of the prompts preserved."
        return "\n".join(lines) + "\n"


def evaluate_split(prompts: Iterable[MixedPrompt]) -> SplitReport:
    """Split the prompts and compare with their known sides."""
    confusion: Counter[tuple[Side, Side]] = Counter()
    by_pattern: Counter[tuple[str, bool]] = Counter()
    mistakes: list[tuple[str, str, str]] = []
    count = preserved = 0
    for prompt in prompts:
        split = split_prompt(prompt.text)
        found = _sides(prompt.pieces, split)
        for piece, side in zip(prompt.pieces, found, strict=True):
            confusion[piece.side, side] += 1
            by_pattern[prompt.pattern, side is piece.side] += 1
            if side is not piece.side and len(mistakes) < _EXAMPLES:
                mistakes.append((piece.text, side.value, prompt.text))
        count += 1
        preserved += _is_preserved(prompt, split, found)
    total = sum(confusion.values())
    return SplitReport(
        prompts=count,
        segments=total,
        right=sum(confusion[side, side] for side in SIDES) / (total or 1),
        preserved=preserved / (count or 1),
        right_by_pattern={
            name: by_pattern[name, True] / (by_pattern[name, True] + by_pattern[name, False])
            for name in dict.fromkeys(name for name, _ in by_pattern)
        },
        confusion={
            true.value: {found.value: confusion[true, found] for found in SIDES} for true in SIDES
        },
        mistakes=mistakes,
    )


def _sides(pieces: Sequence[Piece], split: SplitPrompt) -> list[Side]:
    """Return the side of each piece: its own where all of it is there, else the largest other."""
    parts = [part for part in split.parts if part.side is not Side.SEPARATOR]
    sides: list[Side] = []
    first = 0
    for piece in pieces:
        while first < len(parts) and parts[first].end <= piece.start:
            first += 1
        covered: Counter[Side] = Counter()
        for part in parts[first:]:
            if part.start >= piece.end:
                break
            covered[part.side] += min(part.end, piece.end) - max(part.start, piece.start)
        wrong = Counter({side: size for side, size in covered.items() if side is not piece.side})
        sides.append(wrong.most_common(1)[0][0] if wrong else piece.side)
    return sides


def _is_preserved(prompt: MixedPrompt, split: SplitPrompt, found: Sequence[Side]) -> bool:
    if "".join(part.text for part in split.parts) != prompt.text:
        return False
    if any(prompt.text[part.start : part.end] != part.text for part in split.parts):
        return False
    texts: dict[Side, str] = {side: getattr(split, side.value) for side in SIDES}
    return all(
        piece.text in texts[side]
        for piece, side in zip(prompt.pieces, found, strict=True)
        if piece.side is side
    )
