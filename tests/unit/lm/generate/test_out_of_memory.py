"""A generation that runs out of memory is retried and writes the same texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.completion import CompletionRequest
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.model.precision import resolve
from tipo_core.memory import Rescue

PROMPT = "target: <|long|>\ntag: 1girl"


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
