"""The report of an encoded prompt: chunks and their borders, times, weights, notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .prompt_schedule import Clause, StepPlan, WeightedTexts
from .quotes import quoted, shortened

_MAX_QUOTE = 60  # characters
_MAX_RANGES = 4
_MAX_TEXTS = 6


@dataclass(frozen=True)
class Chunk:
    """One chunk of an encoder: the number of its text tokens, its first and its last words."""

    tokens: int
    begins: str = ""
    ends: str = ""


@dataclass(frozen=True)
class EncoderChunks:
    """The chunks of one prompt in one encoder."""

    encoder: str
    chunks: tuple[Chunk, ...]

    def lines(self) -> list[str]:
        """Report the number of tokens, and the words on both sides of each border."""
        count = "1 chunk" if len(self.chunks) == 1 else f"{len(self.chunks)} chunks"
        tokens = " + ".join(str(chunk.tokens) for chunk in self.chunks)
        lines = [f"{self.encoder}: {count}, tokens of text {tokens}"]
        for number, (left, right) in enumerate(pairwise(self.chunks), 2):
            lines.append(f'  chunk {number} begins: "{left.ends} | {right.begins}"')
        return lines


@dataclass(frozen=True)
class EncodedClause:
    """A clause, its chunks in each encoder, and notes on text that was left out."""

    clause: Clause
    encoders: tuple[EncoderChunks, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Report each encoder and note; encoders with equal chunks share their lines."""
        lines: list[str] = []
        names_by_chunks: dict[tuple[Chunk, ...], list[str]] = {}
        for encoder in self.encoders:
            names_by_chunks.setdefault(encoder.chunks, []).append(encoder.encoder)
        for chunks, names in names_by_chunks.items():
            lines += EncoderChunks(", ".join(names), chunks).lines()
        return [*lines, *self.notes]


def clause_lines(encoded: Sequence[EncodedClause], steps: int | None = None) -> list[str]:
    """Report the encoded clauses; several are shown with their times, weight and text.

    The times are steps of a sampler of `steps` steps, or without it fractions of the schedule.
    """
    if len(encoded) == 1 and encoded[0].clause.is_always:
        return encoded[0].lines()
    lines: list[str] = []
    for one in encoded:
        clause = one.clause
        if steps is None:
            times = _several([f"{start:.4g} to {end:.4g}" for start, end in clause.ranges], "times")
        else:
            active = [range(round(a * steps), round(b * steps)) for a, b in clause.ranges]
            times = steps_text(active)
            if not lines:
                times += f" of {steps} (schedule_steps)"
        weight = f", weight {clause.weight:g}" if clause.weight != 1 else ""
        lines.append(f'{times}{weight}: "{shortened(clause.texts[0], _MAX_QUOTE)}"')
        lines += [f"  {line}" for line in one.lines()]
    return lines


def weights_line(weights: Sequence[tuple[str, float]]) -> str:
    """Report the weighted texts of a prompt, each with its weight: `weights: "cat" 1.3`."""
    unlike = list(dict.fromkeys(weights))
    shown = [f"{quoted(text)} {weight:.4g}" for text, weight in unlike[:_MAX_TEXTS]]
    more = f" and {len(unlike) - _MAX_TEXTS} more" if len(unlike) > _MAX_TEXTS else ""
    return f"weights: {', '.join(shown)}{more}"


def steps_text(ranges: Sequence[range]) -> str:
    """Return steps as people count them: [0, 1, 2], [5] -> "steps 1 to 3, 6"."""
    shown = [
        f"{steps.start + 1}" if len(steps) == 1 else f"{steps.start + 1} to {steps.stop}"
        for steps in ranges
    ]
    is_one = len(ranges) == 1 and len(ranges[0]) == 1
    return f"step{'' if is_one else 's'} {_several(shown, 'ranges')}"


def ranges_of(steps: Iterable[int]) -> list[range]:
    """Return ascending steps as ranges: 0, 1, 2, 5 -> 0 to 2, 5."""
    found: list[range] = []
    for step in steps:
        if found and found[-1].stop == step:
            found[-1] = range(found[-1].start, step + 1)
        else:
            found.append(range(step, step + 1))
    return found


def plan_text(plan: StepPlan) -> str:
    """Return the texts of a plan, each with its steps, in the order of their first step."""
    steps: dict[WeightedTexts, list[int]] = {}
    for step, prompts in enumerate(plan.prompts):
        for prompt in prompts:
            steps.setdefault(prompt, []).append(step)
    shown = [
        f'"{shortened(texts[0], _MAX_QUOTE)}" in {steps_text(ranges_of(found))}'
        for (texts, _), found in steps.items()
    ]
    more = f"; ... ({len(shown)} texts)" if len(shown) > _MAX_TEXTS else ""
    return f"{'; '.join(shown[:_MAX_TEXTS])}{more}"


def _several(shown: Sequence[str], name: str) -> str:
    if len(shown) <= _MAX_RANGES:
        return ", ".join(shown)
    return f"{', '.join(shown[:_MAX_RANGES])}, ... ({len(shown)} {name})"
