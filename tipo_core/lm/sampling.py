"""From logits to one token: the filters of the `transformers` library, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class SamplingOptions:
    """How tokens are drawn. The defaults are those of TIPO's authors.

    temperature 0 takes the likeliest token; top_p 1, min_p 0 and top_k 0 switch a filter off;
    repetition_penalty 1 is none (Keskar et al. 2019).
    """

    temperature: float = 0.5
    top_p: float = 0.95
    min_p: float = 0.05
    top_k: int = 80
    repetition_penalty: float = 1.17
    max_new_tokens: int = 512

    def __post_init__(self) -> None:
        for name, low, high in (
            ("temperature", 0.0, 10.0),
            ("top_p", 0.0, 1.0),
            ("min_p", 0.0, 1.0),
            ("top_k", 0, 10**9),
            ("repetition_penalty", 0.1, 10.0),
            ("max_new_tokens", 1, 10**6),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}: choose a value from {low} to {high}")


def token_distribution(
    logits: torch.Tensor, seen: torch.Tensor, options: SamplingOptions
) -> torch.Tensor:
    """Return the probabilities (`B, V`, fp32, rows sum to 1) from which tokens are drawn.

    `logits` has shape `B, V`; `seen` (`B, V`, bool) marks the ids of each row's prompt and of what
    was generated for it.
    """
    scores = logits.float()
    if options.repetition_penalty != 1.0:
        penalty = options.repetition_penalty
        scores = torch.where(
            seen, torch.where(scores < 0, scores * penalty, scores / penalty), scores
        )
    if options.temperature == 0:
        return torch.nn.functional.one_hot(scores.argmax(-1), scores.shape[-1]).float()
    scores = scores / options.temperature
    if 0 < options.top_k < scores.shape[-1]:
        least = scores.topk(options.top_k).values[:, -1:]
        scores = scores.masked_fill(scores < least, -torch.inf)
    if options.top_p < 1.0:
        ordered, order = scores.sort()
        # Cut from the unlikely end while what is cut stays within 1 - top_p; the best one stays.
        cut = ordered.softmax(-1).cumsum(-1) <= 1 - options.top_p
        cut[:, -1] = False
        scores = scores.masked_fill(torch.empty_like(cut).scatter(-1, order, cut), -torch.inf)
    if options.min_p > 0:
        probabilities = scores.softmax(-1)
        least = options.min_p * probabilities.amax(-1, keepdim=True)
        scores = scores.masked_fill(probabilities < least, -torch.inf)
    return scores.softmax(-1)


def draw(probabilities: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
    """Return an index (`B`) drawn from each row of `probabilities` (`B, V`).

    A row's uniform number comes from its own CPU generator and is put through the inverse of the
    cumulative sum, so that a seed draws alike on every device and beside any other rows.
    """
    uniform = torch.cat([torch.rand(1, generator=one, dtype=torch.float64) for one in generators])
    sums = probabilities.double().cumsum(-1)
    targets = uniform.to(sums.device)[:, None] * sums[:, -1:]
    indices = torch.searchsorted(sums, targets, right=True)[:, 0]
    # Rounding may put the target at the very end, behind the last possible token.
    ids = torch.arange(probabilities.shape[-1], device=sums.device)
    last = torch.where(probabilities > 0, ids, 0).amax(-1)
    return torch.minimum(indices, last)
