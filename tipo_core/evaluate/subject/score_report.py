"""The scores of a taught subject as lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..text.intervals import Estimate
from .subject_scores import Diversity, Likeness, PromptFidelity

# Stable Diffusion in the paper, with DINO ViT-S/16 and CLIP, over 30 subjects.
PAPER = "DINO 0.668, CLIP-I 0.803, CLIP-T 0.305"


@dataclass(frozen=True)
class SubjectScores:
    """What was measured; a measure without its encoder or its pictures is None.

    `dino` and `clip_i` are the subject fidelity by the two encoders, `prior` the likeness of the
    class to the subject after the training, `prior_before` before it.
    """

    pictures: int
    real_pictures: int
    prompts: int
    dino: Likeness | None = None
    clip_i: Likeness | None = None
    clip_t: PromptFidelity | None = None
    prior: Estimate | None = None
    prior_before: Estimate | None = None
    diversity: Diversity | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the scores as JSON values; those not measured are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def score_lines(scores: SubjectScores, notes: Sequence[str] = ()) -> list[str]:
    """Return the scores, one per line, with their 95 % intervals; `notes` follow."""
    prompts = "1 prompt" if scores.prompts == 1 else f"{scores.prompts} prompts"
    lines = [f"{scores.pictures} pictures of {prompts}, {scores.real_pictures} real ones"]
    for name, found in (("DINO", scores.dino), ("CLIP-I", scores.clip_i)):
        if found is not None:
            among = _beside("the real ones among themselves", found.among_real)
            lines.append(f"subject fidelity, {name}: {_shown(found.mean)}{among}")
    if scores.clip_t is not None:
        others = _beside("with the other prompts", scores.clip_t.with_others)
        lines.append(f"prompt fidelity, CLIP-T: {_shown(scores.clip_t.mean)}{others}")
    if scores.prior is not None:
        before = scores.prior_before
        beside = _beside("before the training", before.value if before else None)
        lines.append(
            f"class like the subject, PRES, lower is better: {_shown(scores.prior)}{beside}"
        )
    if scores.diversity is not None:
        pairs = scores.diversity.pairs
        if pairs is not None:
            lines.append(f"diversity of a prompt's pictures, 1 - cosine: {_shown(pairs)}")
        lines.append(f"different pictures, Vendi score: {scores.diversity.vendi:.2f}")
    return [
        *lines,
        *notes,
        f"the paper, Stable Diffusion: {PAPER}; other encoders give other values",
    ]


def _shown(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _beside(name: str, value: float | None) -> str:
    return "" if value is None else f"; {name} {value:.3f}"
