"""Texts side by side in rows: the result of a row depends on its own request alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import torch

from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.batch import DecodeBatch

from ..passes import language_model

PROMPTS = ([0, 5, 9, 30], [0, 77, 8], [0, 5, 9, 12, 40, 41], [0, 200], [0, 5, 9, 30])
STEPS = 8


def begun(files: ModelFiles, count: int, precision: str = "auto") -> DecodeBatch:
    """Rows that draw with the default options, of which the first have a prompt each."""
    rows = language_model(files, precision, temperature=0.8).new_batch(count)
    for row, prompt in enumerate(PROMPTS):
        rows.prefill(row, prompt, seed=row, min_length=row)
    return rows


def visited(rows: DecodeBatch, order: Sequence[int], steps: int = STEPS) -> None:
    """Decode `steps` tokens in the rows of `order`."""
    for _ in range(steps):
        drawn = rows.decode(order)
        assert [
            rows.texts[row][-len(ids) :] for row, ids in zip(order, drawn, strict=True)
        ] == drawn


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("precision", ["auto", "int8"])
@pytest.mark.parametrize("count", [5, 7])
def test_the_order_of_the_rows_changes_nothing(
    files: ModelFiles, count: int, precision: str
) -> None:
    first = begun(files, count, precision)
    visited(first, range(5))
    assert first.texts[0][4:] != first.texts[4][4:]  # the seed differs
    for order in ([4, 3, 2, 1, 0], [1, 2, 3, 4, 0], [2, 0, 4, 1, 3]):
        other = begun(files, count, precision)
        visited(other, order)
        assert other.texts == first.texts


def test_rows_may_take_steps_when_they_like(files: ModelFiles) -> None:
    first = begun(files, 5)
    visited(first, range(5))
    other = begun(files, 5)
    visited(other, [3], 2)
    visited(other, [1, 3], 5)
    visited(other, [0, 2, 4], STEPS)
    visited(other, [3, 1], 1)
    visited(other, [1], 2)
    assert other.texts == first.texts


def test_a_cleared_row_begins_anew(files: ModelFiles) -> None:
    first = begun(files, 5)
    visited(first, range(5))
    other = begun(files, 5)
    visited(other, range(5), 3)
    for row in (1, 3):
        other.clear(row)
        assert (other.texts[row], other.cache.lengths[row]) == ([], 0)
        other.prefill(row, PROMPTS[row], seed=row, min_length=row)
    visited(other, [0, 2, 4], STEPS - 3)
    visited(other, [1, 3])
    assert other.texts == first.texts


def test_a_row_reads_many_tokens_and_its_cache_grows(files: ModelFiles) -> None:
    model = language_model(files, "auto", temperature=0.8)
    long = torch.randint(0, 200, (700,), generator=torch.Generator().manual_seed(0)).tolist()

    def end(count: int) -> list[int]:
        rows = model.new_batch(count)
        rows.prefill(0, PROMPTS[0], seed=1, min_length=0)
        if count > 1:
            rows.prefill(1, long, seed=2, min_length=0)
            assert rows.cache.lengths == [len(PROMPTS[0]) - 1, len(long) - 1]
        for _ in range(STEPS):
            rows.decode(range(count))
        return rows.texts[0]

    assert end(1) == end(2)


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_the_first_token_is_none_that_is_banned(files: ModelFiles, precision: str) -> None:
    rows = language_model(files, precision, temperature=0).new_batch(3)
    for row in range(3):
        rows.prefill(row, PROMPTS[0], seed=0, min_length=STEPS)
    visited(rows, range(3), 1)
    likeliest = rows.texts[0][-1]
    for row in range(2):
        rows.prefill(row, PROMPTS[0], seed=0, min_length=STEPS, banned_first_ids={likeliest})
    visited(rows, [0, 1], 1)
    seconds = [rows.texts[row][-1] for row in range(2)]
    assert seconds[0] == seconds[1] != likeliest
    rows.prefill(0, PROMPTS[0], seed=0, min_length=STEPS, banned_first_ids={likeliest, seconds[0]})
    visited(rows, [0, 2], 1)
    assert rows.texts[0][-1] not in (likeliest, seconds[0])


def test_what_is_banned_counts_for_one_token(
    files: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that likes one token above all writes it as soon as it may."""
    model = language_model(files, temperature=0, repetition_penalty=1.0)
    scores = torch.zeros(1, model.model.config.vocab_size)
    scores[0, 42] = 1
    monkeypatch.setattr(model.model, "logits", lambda hidden, tied: scores)
    rows = model.new_batch(1)
    rows.prefill(0, PROMPTS[0], seed=0, min_length=0, banned_first_ids={42})
    visited(rows, [0], 3)
    drawn = rows.texts[0][len(PROMPTS[0]) :]
    assert drawn[0] != 42 and drawn[1:] == [42, 42]
