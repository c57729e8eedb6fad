"""BLEU and self-BLEU: the similarity of texts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence


def bleu(text: Sequence[str], references: Sequence[Sequence[str]], most: int = 4) -> float:
    """Return the BLEU of the words of a text against references, from 0 to 1.

    Papineni et al. 2002: the geometric mean of the clipped precisions of 1- to `most`-grams, times
    the penalty for a text shorter than the reference nearest in length (the shorter one of two).
    Not smoothed: without a common n-gram of each size, or with fewer than `most` words, it is 0.
    """
    if len(text) < most or not references:
        return 0.0
    logs = 0.0
    for size in range(1, most + 1):
        grams = _grams(text, size)
        known: Counter[tuple[str, ...]] = Counter()
        for reference in references:
            known |= _grams(reference, size)
        matched = (grams & known).total()
        if not matched:
            return 0.0
        logs += math.log(matched / grams.total())
    nearest = min((abs(len(one) - len(text)), len(one)) for one in references)[1]
    brevity = min(0.0, 1 - nearest / len(text))
    return math.exp(logs / most + brevity)


def self_bleu(texts: Sequence[str], most: int = 4) -> float:
    """Return the mean BLEU of each text against all others: 1 when they are the same.

    Zhu et al. 2018 (Texygen). Words are split at blanks and compared in lower case.
    """
    words = [text.lower().split() for text in texts]
    if len(words) < 2:
        raise ValueError(f"self-BLEU needs two or more texts, there are {len(words)}: give more")
    scores = [bleu(one, words[:n] + words[n + 1 :], most) for n, one in enumerate(words)]
    return sum(scores) / len(scores)


def _grams(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[n : n + size]) for n in range(len(words) - size + 1))
