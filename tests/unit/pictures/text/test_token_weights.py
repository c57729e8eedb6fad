"""Token weights, compared with the formulas of docs/text-encoding.md written out by position."""

from __future__ import annotations

import math
from itertools import count, product

import pytest
import torch

from tipo_core.pictures.text.token_weights import (
    INTERPRETATIONS,
    MASK_TOKEN,
    MAX_WEIGHT,
    NORMALIZATIONS,
    Pairs,
    embedding,
    finite_weight,
    normalized,
)

Chunks = list[list[tuple[int, float, int]]]

# Two chunks of six tokens: start, four of text, end. The word 2 has two tokens.
PROMPT: Chunks = [
    [(1, 1.0, 0), (11, 1.0, 1), (12, 1.5, 2), (13, 1.5, 2), (14, 0.4, 3), (2, 1.0, 0)],
    [(1, 1.0, 0), (15, 0.7, 4), (16, 1.2, 5), (17, 0.4, 6), (18, 1.0, 7), (2, 1.0, 0)],
]
EMPTY = [1, 2, 0, 0, 0, 0]
TABLE = torch.rand(300, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def encode_tokens(chunks: list[list[int]]) -> torch.Tensor:
    """A text encoder without weights, (chunks, tokens, D): each position sees the whole chunk."""
    vectors = TABLE[torch.tensor(chunks)]
    return torch.tanh(vectors + 3 * vectors.mean(dim=1, keepdim=True))


def encode(pairs: Pairs) -> torch.Tensor:
    """ComfyUI's weighting: the empty prompt plus the weight times the difference to it."""
    plain = encode_tokens([[token for token, _ in chunk] for chunk in pairs])
    empty = encode_tokens([(EMPTY + [0] * 6)[: len(pairs[0])]])
    weights = torch.tensor([[weight for _, weight in chunk] for chunk in pairs])[..., None]
    return (empty + weights * (plain - empty)).reshape(1, -1, plain.shape[-1])


def masked(prompt: Chunks, words: set[int], weights: bool = False) -> torch.Tensor:
    """The prompt encoded with some words masked; with `weights` those above 1 are kept."""
    pairs = [
        [
            (MASK_TOKEN, 1.0) if word in words else (token, max(weight, 1.0) if weights else 1.0)
            for token, weight, word in chunk
        ]
        for chunk in prompt
    ]
    return encode(pairs)[0]


def mixed(prompt: Chunks, weights: bool = False) -> torch.Tensor:
    """w1 E + (w2 - w1) E1 + ... + (1 - wn) En."""
    by_weight = sorted({weight for chunk in prompt for _, weight, _ in chunk if weight < 1})
    result = torch.zeros_like(encode_tokens([EMPTY, EMPTY]).reshape(-1, 5))
    done = 0.0
    for level in [*by_weight, 1.0]:
        gone = {word for chunk in prompt for _, weight, word in chunk if weight <= done}
        result += (level - done) * masked(prompt, gone, weights)
        done = level
    return result


def expected(interpretation: str) -> torch.Tensor:
    flat = [item for chunk in PROMPT for item in chunk]
    if interpretation == "comfy":
        return encode([[(token, weight) for token, weight, _ in chunk] for chunk in PROMPT])[0]
    if interpretation == "A1111":
        plain = masked(PROMPT, set()).reshape(2, 6, 5)
        scaled = torch.stack([flat[i][1] * plain[i // 6, i % 6] for i in range(12)])
        chunks = scaled.reshape(2, 6, 5)
        return torch.cat([chunks[i] * plain[i].mean() / chunks[i].mean() for i in range(2)])
    if interpretation == "compel":
        return mixed(PROMPT, weights=True)
    if interpretation == "down_weight":
        top = max(weight for _, weight, _ in flat)
        lowered = [[(t, w / top if word else 1.0, word) for t, w, word in c] for c in PROMPT]
        return mixed(lowered)
    result, plain = mixed(PROMPT), masked(PROMPT, set())
    for position, (_, weight, word) in enumerate(flat):
        if word and weight > 1:
            result[position] += (weight - 1) * (plain - masked(PROMPT, {word}))[position]
    return result


@pytest.mark.parametrize("interpretation", INTERPRETATIONS)
def test_embedding_follows_the_formula(interpretation: str) -> None:
    found = embedding(PROMPT, interpretation, encode)
    assert found.shape == (1, 12, 5)
    torch.testing.assert_close(found[0], expected(interpretation))


def centred(pairs: Pairs) -> torch.Tensor:
    """A text encoder whose last norm gives each vector the mean 0, up to rounding."""
    result = encode(pairs).float()
    return result - result.mean(dim=-1, keepdim=True)


def empty_prompt(pairs: Pairs) -> torch.Tensor:
    return torch.zeros_like(encode(pairs))


ENCODERS = {"usual": encode, "centred": centred, "zero": empty_prompt}
WITHOUT_WEIGHTS: dict[str, Chunks] = {
    "text": [[(token, 1.0, word) for token, _, word in chunk] for chunk in PROMPT],
    "one token": [[(1, 1.0, 0), (11, 1.0, 1), (2, 1.0, 0)]],
    "no token": [[(1, 1.0, 0), (2, 1.0, 0)]],
}
STRANGE: dict[str, Chunks] = {
    "text": PROMPT,
    "all zero": [[(1, 1.0, 0), (11, 0.0, 1), (12, 0.0, 2), (2, 1.0, 0)]],
    "negative": [[(1, 1.0, 0), (11, -1.0, 1), (12, -0.5, 2), (2, 1.0, 0)]],
    "means cancel": [[(1, 1.0, 0), (11, -2.0, 1), (11, 1.0, 1), (1, 0.0, 0)]],
    "no ends, all zero": [[(11, 0.0, 1), (12, 0.0, 2)]],
    "no ends, negative": [[(11, -1.0, 1), (12, -2.0, 2)]],
    "largest": [[(1, 1.0, 0), (11, MAX_WEIGHT, 1), (12, -MAX_WEIGHT, 2), (2, 1.0, 0)]],
}


@pytest.mark.parametrize("how", NORMALIZATIONS)
@pytest.mark.parametrize("interpretation", INTERPRETATIONS)
def test_weights_of_one_change_no_bit(interpretation: str, how: str) -> None:
    for (name, prompt), (encoder, of_encoder) in product(WITHOUT_WEIGHTS.items(), ENCODERS.items()):
        found = embedding(normalized(prompt, how), interpretation, of_encoder)
        assert torch.equal(found, embedding(prompt, "comfy", of_encoder)), (name, encoder)


@pytest.mark.parametrize("weight", [0.3, 1.1, 1.3, -0.7])
def test_mean_of_equal_weights_is_exactly_one(weight: float) -> None:
    prompt = [[(1, 1.0, 0), *((10 + i, weight, i) for i in range(1, 8)), (2, 1.0, 0)]]
    assert {w for _, w, _ in normalized(prompt, "mean")[0]} == {1.0}


@pytest.mark.parametrize("how", NORMALIZATIONS)
@pytest.mark.parametrize("interpretation", INTERPRETATIONS)
def test_no_value_is_nan_or_infinite(interpretation: str, how: str) -> None:
    for (name, prompt), (encoder, of_encoder) in product(STRANGE.items(), ENCODERS.items()):
        found = embedding(normalized(prompt, how), interpretation, of_encoder)
        assert torch.isfinite(found).all(), (name, encoder)


@pytest.mark.parametrize(
    ("weight", "finite"),
    [(math.nan, 1.0), (math.inf, MAX_WEIGHT), (-math.inf, -MAX_WEIGHT), (1e39, MAX_WEIGHT), (0, 0)],
)
def test_weights_of_a_prompt_are_kept_finite(weight: float, finite: float) -> None:
    assert finite_weight(weight) == finite


def test_chunk_without_a_mean_is_not_scaled_back() -> None:
    unscaled: list[int] = []
    found = embedding(PROMPT, "A1111", centred, unscaled)[0]
    weights = torch.tensor([weight for chunk in PROMPT for _, weight, _ in chunk])
    torch.testing.assert_close(found, weights[:, None] * centred(pairs_without_weights())[0])
    assert unscaled == [1, 2]
    unscaled.clear()
    embedding(PROMPT, "A1111", encode, unscaled)
    assert unscaled == []


def pairs_without_weights() -> Pairs:
    return [[(token, 1.0) for token, _, _ in chunk] for chunk in PROMPT]


def test_many_words_are_encoded_in_batches_of_32_chunks() -> None:
    sizes = []

    def counting(pairs: Pairs) -> torch.Tensor:
        sizes.append(len(pairs))
        return encode(pairs)

    numbers = count(1)
    chunks = [
        [(1, 1.0, 0), *((20 + n, 1.1, n) for n in (next(numbers) for _ in range(4))), (2, 1.0, 0)]
        for _ in range(10)
    ]
    embedding(chunks, "comfy++", counting)
    # One encode for the words below 1, of which there are none, then 1 + 40 prompts of 10 chunks.
    assert sizes == [10, *[30] * 13, 20]


@pytest.mark.parametrize("how", NORMALIZATIONS)
def test_weights_are_normalised_by_word_and_to_a_mean_of_one(how: str) -> None:
    flat = [item for chunk in PROMPT for item in chunk]
    weights = [w for _, w, _ in flat]
    if "length" in how:
        weights = [
            1 + (w - 1) / math.sqrt(2) if word == 2 else w
            for w, (_, _, word) in zip(weights, flat, strict=True)
        ]
    if "mean" in how:
        of_text = [w for w, (_, _, word) in zip(weights, flat, strict=True) if word]
        shift = 1 - sum(of_text) / len(of_text)
        weights = [w + shift if word else w for w, (_, _, word) in zip(weights, flat, strict=True)]
    found = [item for chunk in normalized(PROMPT, how) for item in chunk]
    assert [(token, word) for token, _, word in found] == [(token, word) for token, _, word in flat]
    assert [weight for _, weight, _ in found] == pytest.approx(weights)


def test_prompt_without_text_has_nothing_to_normalise() -> None:
    empty = [[(1, 1.0, 0), (2, 1.0, 0)]]
    assert normalized(empty, "length+mean") == empty


def test_unknown_names_are_answered_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'median': choose none, mean, length"):
        normalized(PROMPT, "median")
    with pytest.raises(ValueError, match=r"'sd2': choose comfy, comfy\+\+, A1111"):
        embedding(PROMPT, "sd2", encode)
