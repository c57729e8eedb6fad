"""Weights of tokens in CLIP's output: how they are normalised, and what they do.

A prompt is a list of chunks; a chunk is a list of (token, weight, word id), as ComfyUI's tokenizer
gives them with `return_word_ids=True`. Word id 0 is start, end and padding; a "word" is what
ComfyUI tokenizes at once: the text between two changes of weight, or an embedding. All formulas
are those of BlenderNeko's ComfyUI_ADV_CLIP_emb (`adv_encode.py`), the one of A1111 that of the
A1111 web UI (`modules/sd_hijack_clip.py`). docs/text-encoding.md writes them down.
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
# What stands where a word was taken out: `+</w>` in CLIP's vocabulary, of no meaning of its own.
MASK_TOKEN = 266
# Chunks in one pass of the encoder.
_AT_ONCE = 32

WordTokens = Sequence[Sequence[tuple[Any, float, int]]]
Pairs = list[list[tuple[Any, float]]]
# Chunks -> the embedding (1, chunks * length, D) with core's weights applied.
Encode = Callable[[Pairs], torch.Tensor]


def normalized(prompt: WordTokens, how: str) -> list[list[tuple[Any, float, int]]]:
    """Return the prompt with the weights of its words normalised; start, end and padding keep 1.

    "length" gives each of a word's n tokens the weight 1 + (w - 1) / sqrt(n); "mean" then adds to
    all of them what brings their mean to 1. Raises ValueError for an unknown `how`.
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
    shift = 1 - sum(of_words) / len(of_words)
    return [[(token, w + shift if word else w, word) for token, w, word in c] for c in chunks]


def embedding(prompt: WordTokens, interpretation: str, encode: Encode) -> torch.Tensor:
    """Return the embedding (1, chunks * length, D) of the prompt with its weights interpreted.

    `encode` is the encoder with core's own weighting, which "comfy" is. Raises ValueError for an
    unknown interpretation.
    """
    if interpretation == COMFY:
        return encode(_pairs(prompt))
    if interpretation == A1111:
        return _scaled(prompt, encode(_unweighted(prompt)))
    if interpretation == COMPEL:
        # Up as core does, down by mixing.
        raised = [[(token, max(weight, 1.0)) for token, weight, _ in chunk] for chunk in prompt]
        return _mixed_down(prompt, raised, encode)
    if interpretation == COMFY_PP:
        lowered = _mixed_down(prompt, _unweighted(prompt), encode)
        return _with_raised(lowered, prompt, encode)
    if interpretation == DOWN_WEIGHT:
        top = max(weight for chunk in prompt for _, weight, _ in chunk)
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


def _scaled(prompt: WordTokens, base: torch.Tensor) -> torch.Tensor:
    """A1111: each vector times its weight, then each chunk scaled back to its old mean."""
    weights = base.new_tensor([[weight for _, weight, _ in chunk] for chunk in prompt])
    chunks = base.reshape(len(prompt), -1, base.shape[-1])
    scaled = chunks * weights[..., None]
    scaled *= chunks.mean(dim=(1, 2), keepdim=True) / scaled.mean(dim=(1, 2), keepdim=True)
    return scaled.reshape(base.shape)


def _encoded(prompts: Sequence[Pairs], encode: Encode) -> torch.Tensor:
    """The embeddings (prompts, chunks * length, D) of prompts of as many chunks, some at once."""
    count = max(1, _AT_ONCE // len(prompts[0]))
    groups = [prompts[start : start + count] for start in range(0, len(prompts), count)]
    together = [encode([chunk for prompt in group for chunk in prompt]) for group in groups]
    width = together[0].shape[-1]
    return torch.cat([e.reshape(len(g), -1, width) for e, g in zip(together, groups, strict=True)])


def _masked(pairs: Pairs, out: Sequence[Sequence[bool]]) -> Pairs:
    """`pairs` with MASK_TOKEN for each token that is `out`."""
    return [
        [(MASK_TOKEN, 1.0) if is_out else pair for pair, is_out in zip(chunk, outs, strict=True)]
        for chunk, outs in zip(pairs, out, strict=True)
    ]


def _mixed_down(prompt: WordTokens, pairs: Pairs, encode: Encode) -> torch.Tensor:
    """`pairs` with the words below weight 1 partly taken out (compel).

    With their weights w_1 < .. < w_n < 1 it is w_1 E_0 + (w_2 - w_1) E_1 + .. + (1 - w_n) E_n,
    where E_i has all words of weights up to w_i masked.
    """
    levels = sorted({weight for chunk in prompt for _, weight, _ in chunk if weight < 1})
    prompts = [pairs]
    for level in levels:
        out = [[weight <= level for _, weight, _ in chunk] for chunk in prompt]
        prompts.append(_masked(pairs, out))
    shares = [high - low for low, high in zip([0.0, *levels], [*levels, 1.0], strict=True)]
    encoded = _encoded(prompts, encode)
    return (encoded * encoded.new_tensor(shares)[:, None, None]).sum(dim=0, keepdim=True)


def _with_raised(lowered: torch.Tensor, prompt: WordTokens, encode: Encode) -> torch.Tensor:
    """comfy++: to each word above 1 goes what the prompt has there more than without the word."""
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
