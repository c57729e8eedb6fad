"""The measures of the DreamBooth paper on features of pictures (arXiv 2208.12242, section 4).

Each mean has a 95 % interval from a bootstrap over the drawn pictures. The pictures of one training
are its only sample: another training of the same subject may differ by more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..text.intervals import Estimate, bootstrap_mean, bootstrap_pairs
from ..vendi import vendi_score
from .pair_cosines import cosines, mean_of_pairs

_DRAWN, _REAL, _CLASS = "drawn pictures", "real pictures", "pictures of the class"


@dataclass(frozen=True)
class Likeness:
    """The mean cosine of drawn and real pictures of the subject.

    `by_picture` has each drawn picture's mean over the real ones. `among_real` is the mean cosine
    of two different real pictures, None for a single one.
    """

    mean: Estimate
    by_picture: tuple[float, ...]
    among_real: float | None


@dataclass(frozen=True)
class PromptFidelity:
    """The mean cosine of pictures and their prompts (CLIP-T).

    `with_others` is the mean cosine with the other prompts, None for a single prompt: features
    that say nothing about a prompt give the same for both.
    """

    mean: Estimate
    with_others: float | None


@dataclass(frozen=True)
class Diversity:
    """How much pictures of one prompt differ: the mean of 1 - cosine over their pairs.

    `pairs` is None where no prompt has two pictures. `vendi` is the effective number of different
    pictures of all prompts.
    """

    pairs: Estimate | None
    vendi: float


def likeness(drawn: torch.Tensor, real: torch.Tensor) -> Likeness:
    """Return the subject fidelity of features (N, D) and (M, D): DINO or CLIP-I by the encoder."""
    by_picture = cosines(drawn, real, (_DRAWN, _REAL)).mean(1).tolist()
    among = mean_of_pairs(cosines(real, real, (_REAL, _REAL)))
    return Likeness(_mean(by_picture), tuple(by_picture), among)


def class_likeness(of_class: torch.Tensor, real: torch.Tensor) -> Estimate:
    """Return the prior preservation (PRES): pictures of the class against real ones of the subject.

    It is the same mean cosine; lower is better, for the class should not look like the subject.
    """
    return _mean(cosines(of_class, real, (_CLASS, _REAL)).mean(1).tolist())


def prompt_fidelity(
    drawn: torch.Tensor, prompts: torch.Tensor, prompt_of: Sequence[int]
) -> PromptFidelity:
    """Return CLIP-T of pictures (N, D) and prompts (P, D); `prompt_of` gives a picture's prompt."""
    found = cosines(drawn, prompts, (_DRAWN, "prompts"))
    own = found[torch.arange(len(found)), torch.tensor(list(prompt_of))]
    others = None
    if len(prompts) > 1:
        others = float((found.sum(1) - own).mean() / (len(prompts) - 1))
    return PromptFidelity(_mean(own.tolist()), others)


def diversity(drawn: torch.Tensor, prompt_of: Sequence[int]) -> Diversity:
    """Return the diversity of pictures (N, D); `prompt_of` has each picture's prompt.

    The paper's DIV is the mean LPIPS distance of such pairs, a network of its own; 1 - cosine of
    the subject's features takes its place, so the paper's figures of DIV do not compare with it.
    """
    distances = 1 - cosines(drawn, drawn, (_DRAWN, _DRAWN))
    prompts = np.asarray(prompt_of)
    pairs = bootstrap_pairs(distances.numpy(), prompts[:, None] == prompts[None, :])
    return Diversity(pairs, vendi_score(drawn))


def _mean(values: Sequence[float]) -> Estimate:
    found = bootstrap_mean(values)
    assert found is not None  # features without rows are refused
    return found
