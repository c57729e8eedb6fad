"""The sampler against the processors of the `transformers` library."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.generate.token_sampling import Candidates, candidates, draw, uniform_numbers

# The import of transformers takes ten seconds, in each process.
pytestmark = pytest.mark.xdist_group("transformers")

VOCABULARY = 300
ROWS = 1000
NO_FILTER = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "repetition_penalty": 1.0}


def spread(chosen: Candidates, words: int = VOCABULARY) -> torch.Tensor:
    """The probability of every id, `B, V`."""
    everywhere = torch.zeros(len(chosen.ids), words)
    return everywhere.scatter_(1, chosen.ids, chosen.probabilities)


def is_ordered(chosen: Candidates) -> bool:
    """Whether the likeliest ids come first, each once, and each row sums to 1."""
    falling = (chosen.probabilities.diff(dim=-1) <= 0).all()
    once = all(len(set(row)) == len(row) for row in chosen.ids[:20].tolist())
    ones = torch.ones(len(chosen.ids))
    torch.testing.assert_close(chosen.probabilities.sum(-1), ones, atol=1e-5, rtol=0)
    return bool(falling) and once


@pytest.fixture(scope="module")
def process() -> Any:
    return pytest.importorskip("transformers.generation.logits_process")


@pytest.fixture(scope="module")
def rows() -> tuple[torch.Tensor, torch.Tensor]:
    """Random logits, from flat to steep ones, and the ids that were there before."""
    generator = torch.Generator().manual_seed(3)
    steepness = torch.rand(ROWS, 1, generator=generator) * 8
    logits = torch.randn(ROWS, VOCABULARY, generator=generator) * steepness
    return logits, torch.randint(0, VOCABULARY, (ROWS, 12), generator=generator)


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p", "min_p", "penalty"),
    list(itertools.product((0.35, 1.0), (0, 40), (0.8, 1.0), (0.0, 0.1), (1.0, 1.17))),
)
def test_distributions_equal_those_of_transformers(
    process: Any,
    rows: tuple[torch.Tensor, torch.Tensor],
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
    penalty: float,
) -> None:
    logits, prompts = rows
    steps = [process.RepetitionPenaltyLogitsProcessor(penalty)]
    steps.append(process.TemperatureLogitsWarper(temperature))
    if top_k:
        steps.append(process.TopKLogitsWarper(top_k))
    if top_p < 1:
        steps.append(process.TopPLogitsWarper(top_p))
    if min_p:
        steps.append(process.MinPLogitsWarper(min_p))
    wanted = logits.clone()
    # Where a sum ends so near the border that the rounding decides, either side of it is right.
    is_clear = torch.ones(ROWS, dtype=torch.bool)
    for step in steps:
        before, wanted = wanted, step(prompts, wanted)
        if isinstance(step, process.TopPLogitsWarper):
            sums = before.double().softmax(-1).sort(-1).values.cumsum(-1)
            is_clear = ((sums - (1 - top_p)).abs() > 1e-6).all(-1)
    assert is_clear.sum() > 0.99 * ROWS
    options = SamplingOptions(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=penalty
    )
    ours = candidates(logits, options, seen=prompts)
    assert is_ordered(ours)
    wanted = wanted.softmax(-1)
    torch.testing.assert_close(spread(ours)[is_clear], wanted[is_clear], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("top_k", [5, 40])
def test_equally_likely_tokens_at_the_border_stay(process: Any, top_k: int) -> None:
    generator = torch.Generator().manual_seed(4)
    logits = (torch.randn(ROWS, VOCABULARY, generator=generator) * 40).round() / 16
    wanted = process.TopKLogitsWarper(top_k)(None, logits)
    kept = (wanted > -torch.inf).sum(-1)
    assert kept.max() > top_k
    few = kept <= top_k + 16
    assert few.sum() > 0.9 * ROWS
    options = SamplingOptions(**{**NO_FILTER, "temperature": 1.0, "top_k": top_k})  # type: ignore[arg-type]
    ours = spread(candidates(logits, options))
    torch.testing.assert_close(ours[few], wanted.softmax(-1)[few], atol=1e-6, rtol=1e-5)


def test_a_row_of_nothing_but_ties_keeps_sixteen_more() -> None:
    options = SamplingOptions(**{**NO_FILTER, "temperature": 1.0, "top_k": 10})  # type: ignore[arg-type]
    chosen = candidates(torch.zeros(3, VOCABULARY), options)
    assert (chosen.probabilities > 0).sum(-1).tolist() == [26] * 3
    assert is_ordered(chosen)


def test_a_filter_always_leaves_the_likeliest_token(process: Any) -> None:
    logits = torch.randn(50, VOCABULARY, generator=torch.Generator().manual_seed(6))
    for strictest in ({"top_k": 1}, {"top_p": 0.0}, {"min_p": 1.0}):
        options = SamplingOptions(**{**NO_FILTER, "temperature": 1.0, **strictest})  # type: ignore[arg-type]
        chosen = candidates(logits, options)
        assert chosen.ids[:, 0].tolist() == logits.argmax(-1).tolist()
        assert (chosen.probabilities > 0).sum(-1).tolist() == [1] * 50


@pytest.mark.parametrize("words", [1, 2, 30])
def test_a_vocabulary_may_be_smaller_than_top_k(words: int) -> None:
    logits = torch.randn(4, words, generator=torch.Generator().manual_seed(6))
    options = SamplingOptions(**{**NO_FILTER, "temperature": 1.0, "top_k": 80})  # type: ignore[arg-type]
    ours = spread(candidates(logits, options), words)
    torch.testing.assert_close(ours, logits.softmax(-1))


def test_temperature_zero_takes_the_likeliest_token() -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(5, VOCABULARY, generator=generator)
    options = SamplingOptions(temperature=0, repetition_penalty=1.0)
    chosen = candidates(logits, options, seen=torch.arange(VOCABULARY).expand(5, -1))
    assert spread(chosen).argmax(-1).tolist() == logits.argmax(-1).tolist()
    assert chosen.probabilities.tolist() == [[1.0]] * 5
    uniform = torch.rand(5, dtype=torch.float64, generator=generator)
    assert draw(chosen, uniform).tolist() == logits.argmax(-1).tolist()


def test_the_penalty_is_for_what_was_seen_alone() -> None:
    logits = torch.tensor([[2.0, 1.9, -1.0, -1.1], [2.0, 1.9, -1.0, -1.1]])
    # An id that was there three times counts once.
    seen = torch.tensor([[0, 2, 0, 0], [3, 3, 3, 3]])
    options = SamplingOptions(
        **{**NO_FILTER, "temperature": 1.0, "repetition_penalty": 2.0}  # type: ignore[arg-type]
    )
    ours = spread(candidates(logits, options, seen=seen), 4)
    wanted = torch.tensor([[1.0, 1.9, -2.0, -1.1], [2.0, 1.9, -1.0, -2.2]]).softmax(-1)
    torch.testing.assert_close(ours, wanted)
    greedy = SamplingOptions(temperature=0, repetition_penalty=2.0)
    assert candidates(logits, greedy, seen=seen).ids.tolist() == [[1], [0]]


@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("top_k", [0, 3])
def test_no_end_comes_too_early(
    rows: tuple[torch.Tensor, torch.Tensor], temperature: float, top_k: int
) -> None:
    logits = rows[0][:50]
    # The three likeliest of the first row.
    ends = logits[0].topk(3).indices
    early = torch.arange(50) % 2 == 0
    options = SamplingOptions(**{**NO_FILTER, "temperature": temperature, "top_k": top_k})  # type: ignore[arg-type]
    ours = spread(candidates(logits, options, ends=ends, too_early=early))
    assert not ours[::2, ends].any() and ours.sum(-1).allclose(torch.ones(50))
    banned = logits.clone()
    banned[::2, ends] = -torch.inf
    assert torch.equal(ours, spread(candidates(banned, options)))
    # If no row is too short, or there is no end token, the rule changes nothing.
    plain = spread(candidates(logits, options))
    nowhere, nothing = torch.zeros(50, dtype=torch.bool), ends[:0]
    for some, rows_ in ((ends, nowhere), (nothing, early)):
        assert torch.equal(spread(candidates(logits, options, ends=some, too_early=rows_)), plain)


def test_logits_stay_as_they_are(rows: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, prompts = rows[0][:9], rows[1][:9]
    before, seen = logits.clone(), prompts.clone()
    early = torch.ones(9, dtype=torch.bool)
    candidates(logits, SamplingOptions(), seen=seen, ends=torch.tensor([1]), too_early=early)
    assert torch.equal(logits, before) and torch.equal(seen, prompts)


@pytest.mark.parametrize(
    ("weights", "critical"),
    [
        # chi-square at p = 0.001 with one degree of freedom fewer than there are tokens
        ([0.5, 0.3, 0.15, 0.05, 0.0], 16.27),
        ([0.999, 0.001], 10.83),
        ([0.1] * 10, 27.88),
        ([1.0, 0.0, 0.0], 0.0),
        ([2.0**-n for n in range(12)], 31.27),
    ],
)
@pytest.mark.parametrize("seed", [11, 12])
def test_draws_follow_the_distribution(weights: list[float], critical: float, seed: int) -> None:
    draws = 40_000
    probabilities = torch.tensor(weights) / sum(weights)
    # The ids have another order than the probabilities.
    ids = torch.arange(len(weights)).roll(1)
    chosen = Candidates(ids.expand(draws, -1), probabilities.expand(draws, -1))
    generator = torch.Generator().manual_seed(seed)
    drawn = draw(chosen, uniform_numbers([generator] * draws))
    counts = torch.bincount(drawn, minlength=len(weights))[ids].float()
    expected = probabilities * draws
    kept = expected > 0
    assert counts[~kept].sum() == 0
    statistic = ((counts - expected)[kept] ** 2 / expected[kept]).sum()
    assert statistic <= critical


def test_a_row_draws_alike_beside_any_other_rows(
    rows: tuple[torch.Tensor, torch.Tensor],
) -> None:
    logits, prompts = rows[0][:40], rows[1][:40]
    options = SamplingOptions()

    def drawn(chosen: list[int]) -> list[int]:
        generators = [torch.Generator().manual_seed(number) for number in chosen]
        some = candidates(logits[chosen], options, seen=prompts[chosen])
        return draw(some, uniform_numbers(generators)).tolist()

    together = drawn(list(range(40)))
    assert [drawn([number])[0] for number in range(40)] == together
    assert drawn(list(range(39, -1, -1))) == together[::-1]


def test_rounding_never_draws_an_impossible_token() -> None:
    # Not even normalised: all the mass there is lies on the first two.
    probabilities = torch.tensor([[0.1, 0.01, 0.0, 0.0]])
    chosen = Candidates(torch.tensor([[7, 3, 1, 2]]), probabilities)
    numbers = torch.cat((torch.linspace(0, 1, 1001), torch.tensor([1.0]))).double()
    numbers[-2] = torch.nextafter(torch.tensor(1.0).double(), torch.tensor(0.0).double())
    expanded = Candidates(chosen.ids.expand(1002, -1), probabilities.expand(1002, -1))
    drawn = draw(expanded, numbers)
    assert set(drawn.tolist()) == {7, 3}
    assert drawn[0] == 7 and drawn[-2:].tolist() == [3, 3]


def test_uniform_numbers_are_each_generators_own() -> None:
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2, 1)]
    state = torch.get_rng_state()
    first, second = uniform_numbers(generators), uniform_numbers(generators)
    assert first.dtype is torch.float64 and first.shape == (3,)
    assert first[0] == first[2] != first[1]
    assert second[0] == second[2] != first[0]
    assert bool(((first >= 0) & (first < 1)).all())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "bad", [{"temperature": -0.1}, {"top_p": 1.5}, {"min_p": -1}, {"max_new_tokens": 0}]
)
def test_an_impossible_option_is_named(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        SamplingOptions(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_a_banned_id_is_as_if_there_were_none(
    rows: tuple[torch.Tensor, torch.Tensor], temperature: float
) -> None:
    logits, prompts = rows
    options = SamplingOptions(temperature=temperature)
    banned = torch.rand(ROWS, VOCABULARY, generator=torch.Generator().manual_seed(8)) < 0.4
    chosen = candidates(logits, options, seen=prompts, banned_ids=banned)
    assert not (spread(chosen)[banned] > 0).any()
    for row in range(50):
        left = (~banned[row]).nonzero()[:, 0]
        number = {int(word): place for place, word in enumerate(left)}
        seen = torch.tensor([[number[word] for word in prompts[row].tolist() if word in number]])
        wanted = candidates(logits[row][left][None], options, seen=seen.long())
        found = chosen.probabilities[row] > 0
        kept = wanted.probabilities[0] > 0
        assert left[wanted.ids[0][kept]].tolist() == chosen.ids[row][found].tolist()
        torch.testing.assert_close(chosen.probabilities[row][found], wanted.probabilities[0][kept])
