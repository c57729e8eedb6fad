"""Normalises the weights of tokens and applies them to CLIP's output.

A prompt is a list of chunks; a chunk is a list of (token, weight, word id) as ComfyUI's tokenizer
returns them with `return_word_ids=True`. Word id 0 is start, end and padding. A "word" is the text
that ComfyUI tokenizes at once: the text between two changes of weight, or an embedding.

The formulas are those of BlenderNeko's ComfyUI_ADV_CLIP_emb (`adv_encode.py`); that of "A1111" is
from the A1111 web UI (`modules/sd_hijack_clip.py`). docs/text-encoding.md explains them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch

COMFY, COMFY_PP, A1111, COMPEL, DOWN_WEIGHT = "comfy", "comfy++", "A1111", "compel", "down_weight"
INTERPRETATIONS = (COMFY, COMFY_PP, A1111, COMPEL, DOWN_WEIGHT)
NORMALIZATIONS = ("none", "mean", "length", "length+mean")
# Replaces the tokens of a masked word: `+</w>` in CLIP's vocabulary, which has little meaning.
MASK_TOKEN = 266
# Prompts hold weights such as `(a:inf)`, and nested brackets multiply. Larger weights than this
# overflow in fp16.
MAX_WEIGHT = 1000.0
# A1111 divides by the mean of a chunk's values. Below this share of their RMS the mean depends on
# rounding, as in a model whose last norm centres each vector, and the quotient is arbitrary.
LEAST_MEAN = 1e-3
_ROUNDING = 1e-9  # of normalised weights
_BATCH_CHUNKS = 32  # chunks in one pass of the encoder

WordTokens = Sequence[Sequence[tuple[Any, float, int]]]
Pairs = list[list[tuple[Any, float]]]
# Encodes chunks to (1, chunks * length, D), with weights applied as ComfyUI does.
Encode = Callable[[Pairs], torch.Tensor]


def finite_weight(weight: float) -> float:
    """Return a weight within +-MAX_WEIGHT; NaN becomes 1."""
    return 1.0 if math.isnan(weight) else min(max(weight, -MAX_WEIGHT), MAX_WEIGHT)


def normalized(prompt: WordTokens, how: str) -> list[list[tuple[Any, float, int]]]:
    """Return the prompt with normalised weights of words; start, end and padding keep weight 1.

    "length" gives each of a word's n tokens the weight 1 + (w - 1) / sqrt(n); "mean" shifts the
    weights of all words so that their mean is 1. Raises ValueError for an unknown `how`.
    """
    if how not in NORMALIZATIONS:
        raise ValueError(f"token_normalization {how!r}: choose {', '.join(NORMALIZATIONS)}")
    sizes = Counter(word for chunk in prompt for _, _, word in chunk)
    by_length = how.startswith("length")

    def scaled(weight: float, word: int) -> float:
        return 1 + (weight - 1) / math.sqrt(sizes[word]) if by_length and word else weight

    chunks = [[(token, scaled(weight, word), word) for token, weight, word in c] for c in prompt]
    of_words = [weight for chunk in chunks for _, weight, word in chunk if word]
    if not how.endswith("mean") or not of_words:
        return chunks
    shift = 1 - math.fsum(of_words) / len(of_words)

    def shifted(weight: float) -> float:
        # Equal weights become exactly 1, so that ComfyUI's encoder runs as without weights.
        return 1.0 if abs(weight + shift - 1) < _ROUNDING else weight + shift

    return [[(token, shifted(w) if word else w, word) for token, w, word in c] for c in chunks]


def embedding(
    prompt: WordTokens, interpretation: str, encode: Encode, unscaled: list[int] | None = None
) -> torch.Tensor:
    """Encode a prompt to (1, chunks * length, D) with one interpretation of its weights.

    `encode` is ComfyUI's encoder, which applies weights as "comfy" does. Without weights the result
    is that of `encode`, to the bit. The numbers of chunks whose mean A1111 could not restore are
    added to `unscaled`. Raises ValueError for an unknown interpretation.
    """
    if interpretation == COMFY:
        return encode(_pairs(prompt))
    if interpretation == A1111:
        base = encode(_unweighted(prompt))
        scaled, without_mean = _scaled(prompt, base)
        if unscaled is not None:
            unscaled += without_mean
        return scaled
    if interpretation == COMPEL:
        # Weights above 1 as in ComfyUI, weights below 1 by mixing.
        raised = [[(token, max(weight, 1.0)) for token, weight, _ in chunk] for chunk in prompt]
        return _mixed_down(prompt, raised, encode)
    if interpretation == COMFY_PP:
        lowered = _mixed_down(prompt, _unweighted(prompt), encode)
        return _add_raised(lowered, prompt, encode)
    if interpretation == DOWN_WEIGHT:
        # Start and end have the weight 1, so the largest is never below it.
        top = max([1.0, *(weight for chunk in prompt for _, weight, _ in chunk)])
        at_most_1 = [
            [(token, weight / top if word else 1.0, word) for token, weight, word in chunk]
            for chunk in prompt
        ]
        return _mixed_down(at_most_1, _unweighted(prompt), encode)
    raise ValueError(
        f"weight_interpretation {interpretation!r}: choose {', '.join(INTERPRETATIONS)}"
    )


def _pairs(prompt: WordTokens) -> Pairs:
    return [[(token, weight) for token, weight, _ in chunk] for chunk in prompt]


def _unweighted(prompt: WordTokens) -> Pairs:
    return [[(token, 1.0) for token, _, _ in chunk] for chunk in prompt]


def _scaled(prompt: WordTokens, base: torch.Tensor) -> tuple[torch.Tensor, list[int]]:
    """A1111: each vector times its weight, then each chunk scaled back to its former mean.

    Also returns the numbers of the chunks whose mean, before or after, is too near 0 for that: they
    are not scaled back.
    """
    chunks = base.reshape(len(prompt), -1, base.shape[-1])
    result, without_mean = [], []
    for number, (chunk, vectors) in enumerate(zip(prompt, chunks, strict=True), 1):
        weights = [weight for _, weight, _ in chunk]
        if all(weight == 1 for weight in weights):
            result.append(vectors)
            continue
        weighted = vectors * vectors.new_tensor(weights)[:, None]
        before, after = _mean(vectors), _mean(weighted)
        if before is None or after is None:
            without_mean.append(number)
        else:
            weighted *= before / after
        result.append(weighted)
    return torch.stack(result).reshape(base.shape), without_mean


def _mean(values: torch.Tensor) -> torch.Tensor | None:
    """Return the mean, or None if it is negligible beside the RMS."""
    wide = values.double()
    mean, rms = wide.mean(), wide.pow(2).mean().sqrt()
    return mean if mean.abs() > LEAST_MEAN * rms else None


def _encoded(prompts: Sequence[Pairs], encode: Encode) -> torch.Tensor:
    """Encode prompts with equal numbers of chunks to (prompts, chunks * length, D), in batches."""
    count = max(1, _BATCH_CHUNKS // len(prompts[0]))
    groups = [prompts[start : start + count] for start in range(0, len(prompts), count)]
    together = [encode([chunk for prompt in group for chunk in prompt]) for group in groups]
    width = together[0].shape[-1]
    return torch.cat([e.reshape(len(g), -1, width) for e, g in zip(together, groups, strict=True)])


def _masked(pairs: Pairs, out: Sequence[Sequence[bool]]) -> Pairs:
    """Replace each token that is True in `out` by MASK_TOKEN."""
    return [
        [(MASK_TOKEN, 1.0) if is_out else pair for pair, is_out in zip(chunk, outs, strict=True)]
        for chunk, outs in zip(pairs, out, strict=True)
    ]


def _mixed_down(prompt: WordTokens, pairs: Pairs, encode: Encode) -> torch.Tensor:
    """Mix `pairs` with versions in which the words below weight 1 are masked (compel).

    For the weights w_1 < .. < w_n < 1 the result is w_1 E_0 + (w_2 - w_1) E_1 + .. + (1 - w_n) E_n,
    where E_i masks all words of weights up to w_i.
    """
    levels = sorted({weight for chunk in prompt for _, weight, _ in chunk if weight < 1})
    if not levels:
        return encode(pairs)
    prompts = [pairs]
    for level in levels:
        out = [[weight <= level for _, weight, _ in chunk] for chunk in prompt]
        prompts.append(_masked(pairs, out))
    shares = [high - low for low, high in zip([0.0, *levels], [*levels, 1.0], strict=True)]
    encoded = _encoded(prompts, encode)
    return (encoded * encoded.new_tensor(shares)[:, None, None]).sum(dim=0, keepdim=True)


def _add_raised(lowered: torch.Tensor, prompt: WordTokens, encode: Encode) -> torch.Tensor:
    """comfy++: add (weight - 1) times the effect of each word above weight 1 on its own tokens.

    The effect of a word is the encoded prompt less the prompt encoded without the word.
    """
    raised = {word: w for chunk in prompt for _, w, word in chunk if word and w > 1}
    if not raised:
        return lowered
    base = _unweighted(prompt)
    prompts = [base]
    for raised_word in raised:
        out = [[word == raised_word for _, _, word in chunk] for chunk in prompt]
        prompts.append(_masked(base, out))
    encoded = _encoded(prompts, encode)
    words = torch.tensor([word for chunk in prompt for _, _, word in chunk], device=encoded.device)
    added = torch.zeros_like(lowered)
    for (word, weight), without in zip(raised.items(), encoded[1:], strict=True):
        added += (weight - 1) * (words == word)[:, None] * (encoded[0] - without)
    return lowered + added
