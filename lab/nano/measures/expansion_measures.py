"""Measures of expansions and answers that compare with the training data."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from tipo_core.expansion.format import split_tags
from tipo_core.expansion.policy import BLOCK_LIST, TagPolicy
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.tasks import Field
from tipo_core.prompt import split_sentences
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.prompt.vocabulary.pairs import shipped_pairs

from ...toy_sd.drawings.styles import STYLES
from ..data.samples import SampleSource
from ..data.toy_scenes import contradicts, toy_vocabulary
from .bleu import self_bleu
from .consistency import Consistency, caption_consistency


def vocabulary(source: SampleSource) -> frozenset[str]:
    """Return all tags of the training.

    General tags, words of the pair table, nouns of captions, style phrases, and toy-sd's words.
    """
    toy = (toy_vocabulary(style) for style in STYLES)
    names = shipped_pairs().names
    return frozenset(source.statistics.names).union(names, source.nouns, *source.styles, *toy)


def expansion_consistency(request: ExpansionRequest, expansion: Expansion) -> Consistency:
    """Return the support of the added caption by the expansion's tags and the given caption."""
    tags = split_tags(expansion.tags)
    return caption_consistency(expansion.added_caption, tags, request.caption)


@dataclass(frozen=True)
class Variety:
    """Similarity of the variants of a request: mean self-BLEU, from 0 to 1 (lower: more variety).

    `self_bleu` is over all added text, `error` its standard error over the requests; `tags` and
    `captions` are over the added tags and the added captions alone.
    """

    self_bleu: float
    error: float
    tags: float
    captions: float


def variety(varied: Sequence[Sequence[Expansion]]) -> Variety:
    """Return the mean similarity of the variants of each request; 0 without requests."""
    if not varied:
        return Variety(0.0, 0.0, 0.0, 0.0)
    alike = [self_bleu([one.added for one in some]) for some in varied]
    error = stdev(alike) / math.sqrt(len(alike)) if len(alike) > 1 else 0.0
    return Variety(
        self_bleu=fmean(alike),
        error=error,
        tags=fmean(self_bleu([", ".join(one.added_tags) for one in some]) for some in varied),
        captions=fmean(self_bleu([one.added_caption for one in some]) for some in varied),
    )


def toy_share(expansions: Sequence[Expansion]) -> float:
    """Return the share of expansions of toy-sd prompts that keep to the words of toy-sd.

    The style is the one that the tags or the caption name. Every added tag must belong to that
    style, and no part may have two words.
    """
    fine = 0
    for one in expansions:
        tags = split_tags(one.tags)
        text = " | ".join((*tags, one.caption)).lower()
        style = next((name for name in STYLES if re.search(rf"\b{name}\b", text)), "")
        if style:
            known = toy_vocabulary(style)
            fine += set(one.added_tags) <= known and not contradicts(style, tags)
    return fine / len(expansions) if expansions else 0.0


def filtered(text: str) -> str:
    """Return an answer without its unsafe tags and sentences."""
    judge = TagPolicy(safe=True)
    lines = []
    for line in text.split("\n"):
        is_caption = line.startswith(("long:", "short:")) or ". " in line or line.endswith(".")
        if is_caption:
            pieces = [one for one in split_sentences(line) if not blocklist_matches(one)]
            lines.append("".join(pieces))
        else:
            tags = line.split(",")
            lines.append(",".join(tag for tag in tags if not _is_refused(judge, tag)))
    return "\n".join(lines)


def _is_refused(policy: TagPolicy, tag: str) -> bool:
    return policy.refuse(Field.TAG, tag.strip()) == BLOCK_LIST
