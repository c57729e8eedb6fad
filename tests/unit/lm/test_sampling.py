"""The sampler against the processors of the `transformers` library."""

from __future__ import annotations

import itertools

import pytest
import torch

from tipo_core.lm.sampling import SamplingOptions, draw, token_distribution

VOCABULARY = 300


def seen_mask(rows: list[list[int]]) -> torch.Tensor:
    mask = torch.zeros(len(rows), VOCABULARY, dtype=torch.bool)
    for row, ids in enumerate(rows):
        mask[row, ids] = True
    return mask


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p", "min_p", "penalty"),
    list(itertools.product((0.35, 1.0), (0, 40), (0.8, 1.0), (0.0, 0.1), (1.0, 1.17))),
)
def test_distributions_equal_those_of_transformers(
    temperature: float, top_k: int, top_p: float, min_p: float, penalty: float
) -> None:
    process = pytest.importorskip("transformers.generation.logits_process")
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(40, VOCABULARY, generator=generator) * 4
    prompts = torch.randint(0, VOCABULARY, (40, 12), generator=generator)
    steps = [process.RepetitionPenaltyLogitsProcessor(penalty)]
    steps.append(process.TemperatureLogitsWarper(temperature))
    if top_k:
        steps.append(process.TopKLogitsWarper(top_k))
    if top_p < 1:
        steps.append(process.TopPLogitsWarper(top_p))
    if min_p:
        steps.append(process.MinPLogitsWarper(min_p))
    wanted = logits.clone()
    for step in steps:
        wanted = step(prompts, wanted)
    options = SamplingOptions(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=penalty
    )
    ours = token_distribution(logits, seen_mask(prompts.tolist()), options)
    torch.testing.assert_close(ours, wanted.softmax(-1), atol=1e-6, rtol=1e-5)


def test_temperature_zero_takes_the_likeliest_token() -> None:
    logits = torch.randn(5, VOCABULARY, generator=torch.Generator().manual_seed(1))
    options = SamplingOptions(temperature=0, repetition_penalty=1.0)
    ours = token_distribution(logits, seen_mask([[]] * 5), options)
    assert ours.argmax(-1).tolist() == logits.argmax(-1).tolist()
    assert ours.sum(-1).tolist() == [1.0] * 5


def test_draws_follow_the_distribution() -> None:
    probabilities = torch.tensor([[0.5, 0.0, 0.3, 0.15, 0.05]])
    generator = torch.Generator().manual_seed(11)
    draws = 20_000
    drawn = draw(probabilities.expand(draws, -1), [generator] * draws)
    counts = torch.bincount(drawn, minlength=5).float()
    assert counts[1] == 0
    expected = probabilities[0] * draws
    kept = expected > 0
    statistic = ((counts - expected)[kept] ** 2 / expected[kept]).sum()
    assert statistic < 16.27  # chi-square with 3 degrees of freedom, p = 0.001


def test_a_row_draws_alike_beside_any_other_rows() -> None:
    probabilities = torch.rand(4, VOCABULARY, generator=torch.Generator().manual_seed(5)).softmax(
        -1
    )

    def generators() -> list[torch.Generator]:
        return [torch.Generator().manual_seed(seed) for seed in (1, 2, 3, 4)]

    together = draw(probabilities, generators()).tolist()
    alone = [
        int(draw(row[None], [one])) for row, one in zip(probabilities, generators(), strict=True)
    ]
    assert together == alone


def test_rounding_never_draws_an_impossible_token() -> None:
    probabilities = torch.zeros(1, VOCABULARY)
    probabilities[0, 7] = 0.1  # not even normalised: all the mass there is lies on 7
    for seed in range(200):
        assert int(draw(probabilities, [torch.Generator().manual_seed(seed)])) == 7


@pytest.mark.parametrize(
    "bad", [{"temperature": -0.1}, {"top_p": 1.5}, {"min_p": -1}, {"max_new_tokens": 0}]
)
def test_an_impossible_option_is_named(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        SamplingOptions(**bad)  # type: ignore[arg-type]
