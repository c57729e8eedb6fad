"""Relevance by an independent scorer: a general language model that taught no model of ours.

For each answer, the scorer gives the log-likelihood of the added tags after the request, and after
other requests of other kinds. The gain is the difference in nats per token. The second figure is
the share of other requests after which the tags are less likely. Tags that do not depend on the
request have a gain of 0 and a share of one half.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from .answers import ExpandedText
from .intervals import Estimate, bootstrap_mean

if TYPE_CHECKING:
    from ...lm.generate.engine import LlamaLanguageModel

_BEFORE = "A picture: {}. In the same picture:"
_SHUFFLED = 3  # other requests for each answer
_LONGEST = 400  # tokens of a request or an addition; longer ones are cut
_SEED = 20


def is_tipo_model(scorer: LlamaLanguageModel) -> bool:
    """Whether a model is trained for the TIPO format: its length token is one token."""
    encode = scorer.tokenizer.encode
    return len(encode("<|very_short|>")) == len(encode("")) + 1


@dataclass(frozen=True)
class ScoredRelevance:
    """Gain over shuffled requests in nats per token, and the share of them that are beaten."""

    gain: Estimate
    wins: Estimate


def scored_relevance(
    scorer: LlamaLanguageModel,
    answers: Sequence[ExpandedText],
    on_answer: Callable[[int], None] = lambda done: None,
) -> ScoredRelevance | None:
    """Return the relevance of one answer for each request; None with fewer than two kinds.

    An answer without tags does not count.
    """
    scored = [answer for answer in answers if answer.added_tags]
    gains: list[float] = []
    wins: list[float] = []
    order = random.Random(_SEED)
    for number, answer in enumerate(scored, 1):
        kind = answer.request.kind
        others = sorted({one.request.text for one in answers if one.request.kind != kind})
        if others:
            chosen = order.sample(others, min(_SHUFFLED, len(others)))
            asked = [answer.request.text, *chosen]
            own, *rest = token_likelihoods(scorer, asked, ", ".join(answer.added_tags))
            gains.append(own - fmean(rest))
            wins.append(fmean(1.0 if own > one else 0.5 if own == one else 0.0 for one in rest))
        on_answer(number)
    gain, won = bootstrap_mean(gains), bootstrap_mean(wins)
    return ScoredRelevance(gain, won) if gain and won else None


def token_likelihoods(
    scorer: LlamaLanguageModel, requests: Sequence[str], addition: str
) -> list[float]:
    """Return the mean log-likelihood of the addition's tokens after each request, in nats."""
    import torch

    encode = scorer.tokenizer.encode
    added = encode(f" {addition}")[:_LONGEST]
    found = []
    for request in requests:
        before = encode(_BEFORE.format(" ".join(request.split()).rstrip(".,")))[-_LONGEST:]
        tokens = torch.tensor([[*before, *added]], device=scorer.device)
        with torch.inference_mode():
            logits = scorer.model.sequence_logits(tokens)[0, len(before) - 1 : -1]
            scores = logits.float().log_softmax(-1).gather(1, tokens[0, len(before) :, None])
        found.append(float(scores.mean()))
    return found
