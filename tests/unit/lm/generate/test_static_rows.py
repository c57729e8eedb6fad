"""The steps of an accelerator, taken on the CPU: the same texts as row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.batch import DecodeBatch
from tipo_core.lm.generate.completion import Cancelled, CompletionRequest, StopReason
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.static_batch import STEPS, StaticBatch, can_capture

from ..conftest import MakeModel
from ..passes import CPU, language_model

PROMPTS = ["tag: 1girl,", "tag: 1girl, cat ears,", "long: A girl is", "tag: solo, book,"]


class Accelerated(LlamaLanguageModel):
    """Writes as on an accelerator, three answers at a time."""

    max_batch_size = 3

    def new_batch(self, count: int) -> DecodeBatch:
        return StaticBatch(self.model, count, self.options, device=CPU, dtype=self.dtype)


def accelerated(files: ModelFiles, **options: Any) -> Accelerated:
    model = language_model(files, **options)
    return Accelerated(model.model, model.tokenizer, model.options, device=CPU, dtype=torch.float32)


def asks(
    enough: Callable[[str], bool] | None = None,
    on_token: Callable[[int], None] | None = None,
) -> list[CompletionRequest]:
    # Every second request bans half of the likely first tokens, the greedy one or others.
    banned = [frozenset(range(20, 200, 2)) if n % 2 else frozenset[int]() for n in range(7)]
    return [
        CompletionRequest(PROMPTS[n % 4], n, enough, 2 * n, on_token, banned_first_ids=banned[n])
        for n in range(7)
    ]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("ends_early", [False, True])
def test_answers_are_those_of_row_by_row(
    files: ModelFiles, temperature: float, ends_early: bool
) -> None:
    def enough(text: str) -> bool:
        return ends_early and len(text) > 17

    expected = language_model(files, temperature=temperature).complete_many(asks(enough))
    model = accelerated(files, temperature=temperature)
    assert model.complete_many(asks(enough)) == expected
    # One alone, in a batch of the same width.
    assert model.complete_many(asks(enough)[4:5]) == expected[4:5]


def test_what_was_drawn_behind_an_end_is_cut_off(files: ModelFiles) -> None:
    """Steps that go on from a part of an answer, as a field does that is drawn again."""
    texts: dict[str, list[str]] = {}
    for name, model in (("static", accelerated(files)), ("row", language_model(files))):

        def steps():  # type: ignore[no-untyped-def]
            prompt, written = PROMPTS[0], []
            for number in range(4):
                done = yield CompletionRequest(prompt, number, lambda text: len(text) > 9, 4)
                written.append(done.text)
                prompt += done.text[: 2 + 3 * number] + ", hat,"
            return written

        (texts[name],) = model.run([steps()])
    assert texts["static"] == texts["row"] and len(set(texts["row"])) > 1


def test_the_context_ends_an_answer(files: ModelFiles) -> None:
    model = accelerated(files, max_new_tokens=500)
    context = model.model.config.max_position_embeddings
    (done,) = model.complete_many([CompletionRequest("1girl, " * 30, 1, min_new_tokens=500)])
    assert done.reason is StopReason.CONTEXT_LIMIT
    assert done.prompt_tokens + done.new_tokens == context


def test_a_cancel_is_heard_at_its_token(files: ModelFiles) -> None:
    def cancel(tokens: int) -> None:
        if tokens == 3:
            raise Cancelled

    done = accelerated(files).complete_many(
        [CompletionRequest(PROMPTS[0], 0, min_new_tokens=20, on_token=cancel)]
    )
    assert [(one.reason, one.new_tokens) for one in done] == [(StopReason.CANCELLED, 3)]


@pytest.mark.parametrize("make", [accelerated, language_model])
@pytest.mark.parametrize("temperature", [1.0, 0.0])
@pytest.mark.parametrize("is_tied", [False, True])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("place", ["layers.1.mlp.down_proj.weight", "norm.weight", "head"])
def test_a_model_of_no_numbers_writes_no_text(
    make_model: MakeModel,
    make: Callable[..., LlamaLanguageModel],
    temperature: float,
    is_tied: bool,
    value: float,
    place: str,
) -> None:
    """One wrong value is enough: in a layer, in the last norm, in the output of one token."""
    model = make(make_model(tie_word_embeddings=is_tied), temperature=temperature)
    weights = dict(model.model.named_parameters())
    name = {
        "norm.weight": "norm.weight" if is_tied else "head.norm.weight",
        # A row of the embedding is the input of its token too: one that the text does not have.
        "head": "embedding.weight" if is_tied else "head.linear.weight",
    }.get(place, place)
    weights[name].flatten()[-1] = value
    with pytest.raises(RuntimeError, match="NaN or infinite"):
        model.complete(PROMPTS[0], seed=0)


def test_the_steps_between_two_looks_are_taken_at_once(files: ModelFiles) -> None:
    model = accelerated(files)
    rows = model.new_batch(2)
    rows.prefill(0, [0, 5, 6], seed=1, min_length=20)
    rows.prefill(1, [0, 7], seed=2, min_length=20)
    with torch.inference_mode():
        drawn = rows.decode([1])
        assert [len(tokens) for tokens in drawn] == [STEPS]
        assert (len(rows.texts[0]), len(rows.texts[1])) == (3, 2 + STEPS)
        assert rows.cache.lengths == [2, 1 + STEPS]


def test_a_banned_token_is_banned_once(files: ModelFiles) -> None:
    model = accelerated(files, temperature=0, repetition_penalty=1.0)
    words = range(model.model.config.vocab_size)
    rows = model.new_batch(2)
    with torch.inference_mode():
        for row in range(2):
            rows.prefill(row, [0, 5, 6], seed=1, min_length=20, banned_first_ids=set(words) - {9})
        first, other = rows.decode([0, 1])
        assert first == other and first[0] == 9 and set(first) != {9}
        rows.prefill(0, [0, 5, 6], seed=1, min_length=20)
        assert rows.decode([0])[0][0] != 9


def test_a_step_is_captured_only_where_the_weights_stay() -> None:
    """A captured step would hold addresses that the host gives away."""
    cuda = torch.device("cuda")
    assert can_capture(cuda, weights_move=False)
    assert not can_capture(cuda, weights_move=True)
    assert not can_capture(CPU, weights_move=False)


def test_the_model_says_that_its_weights_move(files: ModelFiles) -> None:
    plain = language_model(files)
    for moves in (False, True):
        model = LlamaLanguageModel(
            plain.model,
            plain.tokenizer,
            plain.options,
            device=torch.device("meta"),
            dtype=torch.float32,
            weights_move=moves,
        )
        rows = model.new_batch(2)
        assert isinstance(rows, StaticBatch) and rows.weights_move is moves


def test_a_tied_embedding_is_fetched_once_for_all_texts(make_model: MakeModel) -> None:
    """A host may keep it elsewhere: each fetch is a copy to the device."""
    files = make_model(tie_word_embeddings=True)
    model = accelerated(files)
    fetched: list[torch.Tensor] = []
    own = model.model.tied_head

    def tied_head(device: torch.device, dtype: torch.dtype) -> torch.Tensor | None:
        matrix = own(device, dtype)
        assert matrix is not None
        fetched.append(matrix)
        return matrix

    model.model.tied_head = tied_head  # type: ignore[method-assign]
    found = model.complete_many(asks())
    assert len(fetched) == 1
    assert found == accelerated(files).complete_many(asks())
