"""A run that finds no memory gets one more try, after room was made."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tipo_core.lm.files.loader import ModelFiles, load_llama
from tipo_core.lm.generate.completion import CompletionRequest
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.token_sampling import SamplingOptions
from tipo_core.lm.model.precision import resolve
from tipo_core.memory import Rescue, is_out_of_memory, with_second_try

PROMPT = "target: <|long|>\ntag: 1girl"


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        MemoryError(),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 bytes"),
        RuntimeError("Could not allocate tensor. There is not enough GPU video memory available!"),
    ],
)
def test_every_backends_words_are_known(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("out of memory")])
def test_other_errors_are_none(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(type(error), match=str(error)):
        with_second_try(raising(error), lambda: pytest.fail("made room"), "advice")


def raising(*errors: Exception) -> Callable[[], str]:
    """Return what raises one error a call, then returns."""
    left = list(errors)

    def run() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return run


def test_a_second_failure_is_the_advice() -> None:
    made: list[str] = []
    run = raising(MemoryError(), MemoryError())
    with pytest.raises(RuntimeError, match="choose a smaller model"):
        with_second_try(run, lambda: made.append("room"), "choose a smaller model")
    assert made == ["room"]


def test_what_the_failed_run_held_is_gone_when_room_is_made() -> None:
    class Held:
        pass

    alive: list[bool] = []
    held_by: list[Any] = []

    def run() -> str:
        if not held_by:
            large = Held()
            held_by.append(weakref.ref(large))
            raise MemoryError
        return "done"

    assert with_second_try(run, lambda: alive.append(held_by[0]() is not None), "") == "done"
    assert alive == [False]


def failing_once(at_token: int) -> Callable[[int], None]:
    """Return a callback that runs out of memory at a token, the first time."""
    failed: list[int] = []

    def on_token(count: int) -> None:
        if count == at_token and not failed:
            failed.append(count)
            raise torch.OutOfMemoryError("CUDA out of memory")

    return on_token


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_texts_of_a_second_try_are_those_of_an_undisturbed_run(
    files: ModelFiles, precision: str
) -> None:
    cpu = torch.device("cpu")
    llama, tokenizer = load_llama(files, resolve(precision, cpu, torch.float16))
    made: list[str] = []
    model = LlamaLanguageModel(
        llama,
        tokenizer,
        SamplingOptions(max_new_tokens=20),
        device=cpu,
        dtype=torch.float32,
        rescue=Rescue(lambda: made.append("room"), "choose a smaller model"),
    )

    def asks(on_token: Callable[[int], None] | None) -> list[CompletionRequest]:
        return [
            CompletionRequest(PROMPT, seed, None, 10, on_token if seed == 2 else None)
            for seed in range(4)
        ]

    expected = model.complete_many(asks(None))
    assert model.complete_many(asks(failing_once(5))) == expected and made == ["room"]

    def always(count: int) -> None:
        raise MemoryError

    with pytest.raises(RuntimeError, match="choose a smaller model"):
        model.complete_many(asks(always))
    assert model.complete_many(asks(None)) == expected
