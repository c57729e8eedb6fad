"""Draw a token from logits: the filters of the `transformers` library, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .sampling_options import SamplingOptions

# Tokens beyond top_k that are kept because they are as likely as the last one of top_k.
_TIES = 16


@dataclass(frozen=True)
class Candidates:
    """The tokens that may come next: ids and probabilities, both `B, K`, the likeliest first.

    The probabilities of a row sum to 1; tokens that a filter removed have 0 and come last.
    """

    ids: torch.Tensor
    probabilities: torch.Tensor


def candidates(
    logits: torch.Tensor,
    options: SamplingOptions,
    *,
    seen: torch.Tensor | None = None,
    ends: torch.Tensor | None = None,
    too_early: torch.Tensor | None = None,
    banned_ids: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
) -> Candidates:
    """Return the candidates for the next token of each row of `logits` (`B, V`).

    `seen` (`B, T`) are the ids of each row's prompt and of its new tokens, for the repetition
    penalty; an id may occur more than once. `ends` (`E`) are ids that a row must not draw where it
    is `too_early` (`B`, bool). A row draws no id of its `banned_ids` (`B, V`, bool). `bias`
    (`B, V`) is added after the repetition penalty and before the temperature. Computed in fp32
    without reading a value on the host, so that an accelerator need not be synchronised. Of
    equally likely tokens at the border of top_k at most `_TIES` stay; `transformers` keeps all of
    them.
    """
    scores = logits.float()
    if seen is not None and options.repetition_penalty != 1.0:
        penalty = options.repetition_penalty
        penalised = scores.gather(1, seen)
        penalised = torch.where(penalised < 0, penalised * penalty, penalised / penalty)
        scores = scores.scatter(1, seen, penalised)
    if bias is not None:
        scores = scores + bias
    if ends is not None and too_early is not None:
        masked = scores[:, ends].masked_fill(too_early[:, None], -torch.inf)
        scores = scores.index_copy(1, ends, masked)
    if banned_ids is not None:
        scores = scores.masked_fill(banned_ids, -torch.inf)
    if options.temperature == 0:
        best = scores.argmax(-1, keepdim=True)
        return Candidates(best, torch.ones_like(best, dtype=torch.float32))
    words = scores.shape[-1]
    kept = options.top_k or words
    # Scores are sorted, so that each filter cuts off a tail.
    scores, ids = scores.topk(min(words, kept + _TIES))
    scores = scores / options.temperature
    if kept < words:
        scores = scores.masked_fill(scores < scores[:, kept - 1 : kept], -torch.inf)
    if options.top_p < 1.0:
        # Cut the unlikely tail of at most 1 - top_p; the likeliest token stays.
        cut = scores.softmax(-1).flip(-1).cumsum(-1).flip(-1) <= 1 - options.top_p
        cut[:, 0] = False
        scores = scores.masked_fill(cut, -torch.inf)
    probabilities = scores.softmax(-1)
    if options.min_p > 0:
        threshold = options.min_p * probabilities[:, :1]
        probabilities = scores.masked_fill(probabilities < threshold, -torch.inf).softmax(-1)
    return Candidates(ids, probabilities)


def draw(candidates: Candidates, uniform: torch.Tensor) -> torch.Tensor:
    """Return an id for each row (`B`), drawn with its number of `uniform` (`B`, fp64, 0 to 1).

    The inverse of the cumulative sum maps the number to an id, so that a seed draws the same ids
    on every device and in every batch.
    """
    sums = candidates.probabilities.double().cumsum(-1)
    targets = uniform[:, None] * sums[:, -1:]
    places = torch.searchsorted(sums, targets, right=True)
    # Rounding may put the target past the last token with a probability above 0.
    last = ((candidates.probabilities > 0).sum(-1, keepdim=True) - 1).clamp_min(0)
    return candidates.ids.gather(1, torch.minimum(places, last))[:, 0]


def uniform_numbers(generators: Sequence[torch.Generator]) -> torch.Tensor:
    """Return the next number of each CPU generator, `B`, fp64, from 0 to 1."""
    drawn = [torch.rand(1, generator=one, dtype=torch.float64) for one in generators]
    return torch.cat(drawn)
