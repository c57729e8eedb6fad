"""Accuracy of the split on prompts that people wrote, whose segments were labelled by hand.

The file is gzipped JSONL, one prompt a line: ``text`` and ``segments``, each with ``start``,
``end`` and ``label``: ``tag``, ``caption``, or ``either`` where both are right. A segment is right
if all of it lies on its side; ``either`` is always right, and a prompt is right if all its segments
are.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from tipo_core.prompt import Side, SplitPrompt, split_prompt

LABELS = ("tag", "caption", "either")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
DIFFUSION_LABELS = Path(__file__).with_name("diffusion_labels.txt")
_LETTERS = {"T": "tag", "C": "caption", "E": "either"}
_SEGMENT = re.compile(r"[^,\s](?:[^,]*[^,\s])?")
_95_PERCENT = 1.96  # standard deviations


@dataclass(frozen=True)
class LabelledPrompt:
    """A prompt, the name of its source, and its segments: start, end and label."""

    text: str
    source: str
    segments: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True)
class Share:
    """How many of all are right, with the 95 % interval of Wilson."""

    right: int
    count: int

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.right:,} of {self.count:,}, {self.value:.1%} (95 %: {low:.1%} to {high:.1%})"

    @property
    def value(self) -> float:
        """The share from 0 to 1."""
        return self.right / (self.count or 1)

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and the upper end of the 95 % interval."""
        if not self.count:
            return 0.0, 1.0
        z2 = _95_PERCENT**2 / self.count
        middle = self.value + z2 / 2
        half = sqrt(z2 * (self.value * (1 - self.value) + z2 / 4))
        return (middle - half) / (1 + z2), (middle + half) / (1 + z2)


@dataclass(frozen=True)
class LabelledReport:
    """The shares of right segments and prompts, and the mistakes: source, label, segment."""

    segments: Share
    prompts: Share
    wide_segments: Share
    by_source: dict[str, Share]
    by_label: dict[str, Share]
    mistakes: Sequence[tuple[str, str, str]]

    def to_markdown(self) -> str:
        """Return the shares and the mistakes as markdown."""
        shares = {
            "segments": self.segments,
            "whole prompts": self.prompts,
            "Chinese and Japanese segments": self.wide_segments,
            **{f"segments labelled {label}": share for label, share in self.by_label.items()},
            **{f"segments of {source}": share for source, share in self.by_source.items()},
        }
        lines = ["| what | right |", "|---|---|"]
        lines += [f"| {name} | {share} |" for name, share in shares.items()]
        lines += ["", "| source | label | wrong segment |", "|---|---|---|"]
        lines += [f"| {source} | {label} | {text} |" for source, label, text in self.mistakes]
        return "\n".join(lines) + "\n"


def read_labelled_prompts(path: Path) -> list[LabelledPrompt]:
    """Read the labelled prompts of a file. Raises ValueError for an unknown label."""
    prompts = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            segments = tuple((s["start"], s["end"], s["label"]) for s in row["segments"])
            unknown = {label for _, _, label in segments} - set(LABELS)
            if unknown:
                raise ValueError(f"{path.name}: unknown labels {sorted(unknown)}; known: {LABELS}")
            prompts.append(LabelledPrompt(row["text"], row.get("source", ""), segments))
    return prompts


def evaluate_labelled(prompts: Iterable[LabelledPrompt]) -> LabelledReport:
    """Split the prompts and compare each segment with its label."""
    by_source: Counter[tuple[str, bool]] = Counter()
    by_label: Counter[tuple[str, bool]] = Counter()
    wide: Counter[bool] = Counter()
    whole: Counter[bool] = Counter()
    mistakes: list[tuple[str, str, str]] = []
    for prompt in prompts:
        split = split_prompt(prompt.text)
        is_whole = True
        for start, end, label in prompt.segments:
            text = prompt.text[start:end]
            is_right = _is_right(split, start, end, label)
            by_source[prompt.source, is_right] += 1
            by_label[label, is_right] += 1
            if _WIDE.search(text):
                wide[is_right] += 1
            if not is_right:
                mistakes.append((prompt.source, label, text))
                is_whole = False
        whole[is_whole] += 1
    return LabelledReport(
        segments=Share(
            sum(count for (_, is_right), count in by_label.items() if is_right),
            sum(by_label.values()),
        ),
        prompts=_share(whole),
        wide_segments=_share(wide),
        by_source=_shares(by_source),
        by_label=_shares(by_label),
        mistakes=mistakes,
    )


def _is_right(split: SplitPrompt, start: int, end: int, label: str) -> bool:
    if label == "either":
        return True
    sides = {
        part.side
        for part in split.parts
        if part.start < end and part.end > start and part.side is not Side.SEPARATOR
    }
    return sides <= {Side.CAPTION} if label == "caption" else Side.CAPTION not in sides


def _share(counts: Counter[bool]) -> Share:
    return Share(counts[True], counts[True] + counts[False])


def _shares(counts: Counter[tuple[str, bool]]) -> dict[str, Share]:
    names = dict.fromkeys(name for name, _ in counts)
    return {
        name: Share(counts[name, True], counts[name, True] + counts[name, False]) for name in names
    }


def read_diffusion_labels(folder: Path) -> list[LabelledPrompt]:
    """Return the labelled lines of ``prompts_diffusion.txt.gz``, which no training may read.

    `DIFFUSION_LABELS` has the number of each line, from 0, and a letter for each text between two
    commas: T(ag), C(aption), E(ither).
    """
    with gzip.open(folder / "prompts_diffusion.txt.gz", "rt", encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    prompts = []
    for row in DIFFUSION_LABELS.read_text(encoding="utf-8").split("\n"):
        if row:
            number, letters = row.split()
            text = lines[int(number)]
            found = [match.span() for match in _SEGMENT.finditer(text)]
            labels = [_LETTERS[letter] for letter in letters]
            segments = tuple((a, b, c) for (a, b), c in zip(found, labels, strict=True))
            prompts.append(LabelledPrompt(text, "prompts_diffusion", segments))
    return prompts
