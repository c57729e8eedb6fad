"""Generations that request completions: each keeps its cache, whatever happens to the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.completion import (
    Cancelled,
    Completion,
    CompletionRequest,
    Generation,
    StopReason,
    one_completion,
)
from tipo_core.lm.generate.engine import LlamaLanguageModel

from ..passes import language_model, tokens_read

PROMPT = "target: <|long|>\ntag: 1girl, cat ears,"
OTHER = "long: A girl is reading"
# Number of new tokens of each completion; no end token comes earlier.
TOKENS = 12
CANCELLED, DONE = StopReason.CANCELLED, StopReason.TOKEN_LIMIT


@pytest.fixture(params=["fp32", "auto"])
def model(files: ModelFiles, request: pytest.FixtureRequest) -> LlamaLanguageModel:
    return language_model(files, request.param, max_new_tokens=TOKENS)


@pytest.fixture
def wide(files: ModelFiles) -> LlamaLanguageModel:
    """A model that writes many answers side by side."""
    return language_model(files, "auto", max_new_tokens=TOKENS)


def ask(
    prompt: str = PROMPT, seed: int = 0, on_token: Callable[[int], None] | None = None
) -> CompletionRequest:
    return CompletionRequest(prompt, seed, min_new_tokens=TOKENS, on_token=on_token)


def raising(error: BaseException, at: int) -> Callable[[int], None]:
    def on_token(tokens: int) -> None:
        if tokens == at:
            raise error

    return on_token


def alone(model: LlamaLanguageModel, prompt: str, seed: int) -> Completion:
    return model.complete_many([ask(prompt, seed)])[0]


def growing(rounds: int, heard: list[Completion], seed: int = 0) -> Generation[str]:
    """Request completions after a prefix of each answer, as when a rejected tag is cut off."""
    prompt = PROMPT
    for number in range(rounds):
        done = yield ask(prompt, seed + number)
        heard.append(done)
        prompt += done.text[: 3 * number] + " hat,"
    return prompt


def answered(*values: str) -> Generation[str]:
    """A generation that requests no completion."""
    return "".join(values)
    yield ask()


def test_a_continued_answer_equals_one_that_is_started_over(files: ModelFiles) -> None:
    # In fp32: with int8 weights the cache has a lower precision, so tokens read one by one differ
    # visibly from tokens read at once.
    model = language_model(files, temperature=0, max_new_tokens=TOKENS)
    heard: list[Completion] = []
    [prompt] = model.run([growing(4, heard)])
    assert prompt.endswith("hat,")
    again = PROMPT
    for number, done in enumerate(heard):
        fresh = alone(model, again, number)
        assert (done.text, done.prompt_tokens) == (fresh.text, fresh.prompt_tokens)
        again += done.text[: 3 * number] + " hat,"


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_only_what_is_new_is_read(
    files: ModelFiles, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = language_model(files, precision, temperature=0, max_new_tokens=TOKENS)
    read = tokens_read(model.model, monkeypatch)
    passes: list[list[int]] = []

    def steps() -> Generation[None]:
        first = yield ask()
        passes.append(read[:])
        read.clear()
        # Nonsense may be cut into other tokens when it is read again, but never the prompt's.
        yield ask(PROMPT + first.text)
        passes.append(read[:])
        read.clear()
        yield ask(PROMPT, 1)
        passes.append(read[:])
        read.clear()
        yield ask(OTHER)
        passes.append(read[:])

    model.run([steps()])
    length, other = (len(model.tokenizer.encode(one)) for one in (PROMPT, OTHER))
    assert passes[0] == [length - 1] + [1] * TOKENS
    assert passes[1][-TOKENS:] == [1] * TOKENS
    assert sum(passes[1][:-TOKENS]) <= TOKENS
    assert passes[2] == [1] * TOKENS
    # All but the begin token is new.
    assert passes[3] == [other - 2] + [1] * TOKENS


def test_an_answer_says_what_it_began_with_and_can_be_told_not_to(
    model: LlamaLanguageModel,
) -> None:
    begun: list[int | None] = []
    for _ in range(5):
        banned = frozenset(token for token in begun if token is not None)
        [done] = model.complete_many(
            [CompletionRequest(PROMPT, 0, min_new_tokens=TOKENS, banned_first_ids=banned)]
        )
        assert done.text.startswith(model.tokenizer.decode([done.first_token or 0]))
        begun.append(done.first_token)
    assert len(set(begun)) == 5 and None not in begun


def test_an_empty_answer_began_with_nothing(model: LlamaLanguageModel) -> None:
    def cancel(_: int) -> None:
        raise Cancelled

    _, waiting = model.complete_many([ask(on_token=cancel), *[ask()] * 40])[::40]
    assert (waiting.text, waiting.first_token) == ("", None)


def test_steps_know_nothing_of_others(model: LlamaLanguageModel) -> None:
    wanted = alone(model, PROMPT, 3)
    heard: list[Completion] = []
    model.run([growing(2, heard), growing(3, [], seed=50)])
    assert [wanted, heard[0]] == [
        model.complete_many([ask(OTHER, 9), ask(PROMPT, 3), ask()])[1],
        model.run([growing(1, []), one_completion(ask())])[1],
    ]


def test_results_come_in_the_order_of_the_steps(wide: LlamaLanguageModel) -> None:
    short = CompletionRequest(PROMPT, 5, should_stop=lambda text: True)

    def counted(asks: int) -> Generation[int]:
        for _ in range(asks):
            yield short
        return asks

    counts = [3, 0, 7, 1, 1, 0, 0, 2] * 6
    assert wide.run([counted(one) for one in counts]) == counts


def test_steps_may_finish_without_asking(model: LlamaLanguageModel) -> None:
    assert model.run([]) == []
    assert model.complete_many([]) == []
    assert model.run([answered("a", "b")]) == ["ab"]
    many = [answered(str(n)) for n in range(40)]
    assert model.run(many) == [str(n) for n in range(40)]
    mixed = [growing(1, []) if n % 3 else answered(str(n)) for n in range(20)]
    results = model.run(mixed)
    assert results[::3] == [str(n) for n in range(0, 20, 3)]
    assert results[1] == PROMPT + " hat," == results[19]


@pytest.mark.parametrize("at", [1, 5, TOKENS])
@pytest.mark.parametrize("by", [0, 7])
def test_cancelled_ends_all_with_what_is_there(wide: LlamaLanguageModel, at: int, by: int) -> None:
    count = 2 * wide.max_batch_size + 3
    whole = wide.complete_many([ask(seed=seed) for seed in range(count)])
    cancel = raising(Cancelled(), at)
    asks = [ask(seed=n, on_token=cancel if n == by else None) for n in range(count)]
    done = wide.complete_many(asks)
    for number, (one, all_of_it) in enumerate(zip(done, whole, strict=True)):
        if number < wide.max_batch_size:
            assert one.new_tokens == at
            assert all_of_it.text.startswith(one.text)
            if at < TOKENS:
                assert one.reason is CANCELLED
        else:
            assert (one.text, one.new_tokens, one.reason) == ("", 0, CANCELLED)
            assert one.prompt_tokens == all_of_it.prompt_tokens


def test_cancelled_comes_back_from_every_later_ask(model: LlamaLanguageModel) -> None:
    heard: list[Completion] = []

    def steps() -> Generation[str]:
        heard.append((yield ask()))
        heard.append((yield ask(PROMPT, 1, raising(Cancelled(), 4))))
        for seed in range(3):
            heard.append((yield ask(OTHER, seed)))
        return "all the same"

    later: list[Completion] = []
    results = model.run([steps(), *(growing(2, later) for _ in range(20))])
    assert results[0] == "all the same" and len(results) == 21
    reasons = [one.reason for one in heard]
    assert reasons == [DONE, CANCELLED, CANCELLED, CANCELLED, CANCELLED]
    assert [one.new_tokens for one in heard] == [TOKENS, 4, 0, 0, 0]
    assert [one.text for one in heard[2:]] == ["", "", ""]
    assert len(later) == 40
    # The model works as before.
    assert alone(model, PROMPT, 0) == heard[0]


def test_a_cancelled_answer_knows_its_text(wide: LlamaLanguageModel) -> None:
    def steps() -> Generation[Completion]:
        return (yield ask(on_token=raising(Cancelled(), 4)))

    [done] = wide.run([steps()])
    assert done.new_tokens == 4 and done.reason is CANCELLED
    assert done.text and alone(wide, PROMPT, 0).text.startswith(done.text)


class Broken(Exception):
    """An error of a callback or of the generation itself."""


@pytest.mark.parametrize("error", [Broken(), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["on_token", "enough", "steps"])
def test_any_other_error_goes_through(
    model: LlamaLanguageModel, error: BaseException, where: str
) -> None:
    wanted = alone(model, PROMPT, 0)

    def never(text: str) -> bool:
        raise error

    def steps() -> Generation[Completion]:
        yield ask()
        if where == "steps":
            raise error
        if where == "enough":
            return (yield CompletionRequest(PROMPT, 1, should_stop=never))
        return (yield ask(PROMPT, 1, raising(error, 3)))

    with pytest.raises(type(error)) as caught:
        model.run([one_completion(ask(seed=5)), steps(), one_completion(ask(seed=6))])
    assert caught.value is error
    assert alone(model, PROMPT, 0) == wanted


def test_a_prompt_that_fills_the_context_is_answered(model: LlamaLanguageModel) -> None:
    context = model.model.config.max_position_embeddings
    tag = " 1girl,"
    prompts = ["tag:" + tag * n for n in range(context)]
    lengths = [len(model.tokenizer.encode(one)) for one in prompts]
    prompts = [
        one
        for one, length in zip(prompts, lengths, strict=True)
        if context - 6 <= length <= context + 6
    ]
    done = model.complete_many([CompletionRequest(one, 0, min_new_tokens=99) for one in prompts])
    assert {one.reason for one in done} == {StopReason.CONTEXT_LIMIT}
    for prompt, one in zip(prompts, done, strict=True):
        assert one.prompt_tokens == len(model.tokenizer.encode(prompt))
        assert one.new_tokens == max(0, context - one.prompt_tokens)
        assert bool(one.text) == (one.new_tokens > 0)
    assert 0 < sum(one.new_tokens > 0 for one in done) < len(done)


def test_the_context_ends_steps_with_a_reason(model: LlamaLanguageModel) -> None:
    def steps() -> Generation[list[Completion]]:
        prompt = PROMPT
        heard: list[Completion] = []
        while not heard or heard[-1].reason is not StopReason.CONTEXT_LIMIT:
            heard.append((yield ask(prompt)))
            prompt += heard[-1].text
        heard.append((yield ask(prompt + " 1girl," * 200)))
        heard.append((yield ask()))
        return heard

    [heard] = model.run([steps()])
    assert 1 < len(heard) < 30
    assert (heard[-2].text, heard[-2].reason) == ("", StopReason.CONTEXT_LIMIT)
    # A prompt that is too long is not read, so the cache still has the first prompt.
    assert heard[-1] == heard[0]


@pytest.mark.parametrize("count", [2, 20])
def test_the_same_first_prompt_is_read_once(
    wide: LlamaLanguageModel, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    wanted = [alone(wide, PROMPT, seed) for seed in range(count)]
    length = len(wide.tokenizer.encode(PROMPT))
    read = tokens_read(wide.model, monkeypatch)
    assert wide.complete_many([ask(seed=seed) for seed in range(count)]) == wanted
    assert read.count(length - 1) == 1
    assert sum(read) == length - 1 + count * TOKENS
    assert len(read) == 1 + -(-count // wide.max_batch_size) * TOKENS


def test_prompts_of_different_rows_are_not_mixed_up(
    wide: LlamaLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = [PROMPT, OTHER, PROMPT, PROMPT + " hat,", OTHER, PROMPT[:-1]] * 5
    wanted = [alone(wide, prompt, seed) for seed, prompt in enumerate(prompts)]
    asks = [ask(prompt, seed) for seed, prompt in enumerate(prompts)]
    read = tokens_read(wide.model, monkeypatch)
    assert wide.complete_many(asks) == wanted
    lengths = {prompt: len(wide.tokenizer.encode(prompt)) - 1 for prompt in prompts}
    assert sum(read) == sum(lengths.values()) + len(prompts) * TOKENS


def test_a_row_that_went_on_lends_its_first_prompt_until_it_is_cut(
    wide: LlamaLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows cut their first prompt while others still begin with it."""
    length = len(wide.tokenizer.encode(PROMPT)) - 1

    def steps(number: int) -> Generation[list[Completion]]:
        first = yield CompletionRequest(PROMPT, number, should_stop=lambda _: True)
        # Half of the rows go back to a prefix of the prompt, half continue the answer.
        prompt = PROMPT[:-4] + " hat," if number % 2 else PROMPT + first.text + ","
        return [first, (yield ask(prompt, number)), (yield ask(PROMPT, number))]

    count = wide.max_batch_size + 2
    wanted = [wide.run([steps(number)])[0] for number in range(count)]
    read = tokens_read(wide.model, monkeypatch)
    assert wide.run([steps(number) for number in range(count)]) == wanted
    assert read.count(length) <= 3
