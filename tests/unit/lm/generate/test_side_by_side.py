"""Which texts are written does not depend on how many, on threads, or on the process."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.tasks import Length
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.completion import Completion, CompletionRequest
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.hub.catalog import shipped_model

from ..conftest import MakeModel
from ..passes import language_model

PROMPTS = ("target: <|long|>\ntag: 1girl, cat ears,", "tag: solo,", "long: A girl is reading")
INTEGERS = ("auto", "int8")
MOST = 20
TOKENS = 15


@pytest.fixture(scope="module")
def small(make_model: MakeModel) -> ModelFiles:
    return make_model(seed=4, tie_word_embeddings=True)


def asks(chosen: Sequence[int]) -> list[CompletionRequest]:
    """Ask n has its own seed; every third shares its prompt, and they end at different tokens."""
    return [CompletionRequest(PROMPTS[n % 3], seed=n, min_new_tokens=n % 9) for n in chosen]


def written(model: LlamaLanguageModel, chosen: Sequence[int]) -> list[Completion]:
    return model.complete_many(asks(chosen))


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("precision", [*INTEGERS, "fp32"])
def test_answer_k_of_n_is_answer_k_of_m(small: ModelFiles, precision: str) -> None:
    model = language_model(small, precision, max_new_tokens=TOKENS)
    assert model.max_batch_size == (1 if precision == "fp32" else 16)
    assert model.max_batch_size < MOST
    state, python_state = torch.get_rng_state(), random.getstate()
    whole = written(model, range(MOST))
    assert len({one.text for one in whole}) > MOST / 2
    for count in (1, 3, 8):
        assert written(model, range(count)) == whole[:count]
    assert written(model, range(MOST - 1, -1, -1)) == whole[::-1]
    assert [written(model, [number])[0] for number in range(MOST)] == whole
    assert torch.equal(torch.get_rng_state(), state)
    assert random.getstate() == python_state


@pytest.mark.parametrize("precision", INTEGERS)
def test_threads_change_no_answer(small: ModelFiles, precision: str) -> None:
    # Few tokens: where all cores are busy, two threads wait for each other at each operation.
    model = language_model(small, precision, max_new_tokens=3)
    one = written(model, range(4))
    with threads(2):
        assert written(model, range(4)) == one


def test_another_process_writes_the_same(small: ModelFiles, repository: Path) -> None:
    wanted = []
    for precision in INTEGERS:
        model = language_model(small, precision, max_new_tokens=TOKENS)
        wanted.append([one.text for one in written(model, range(MOST))])
    given = [(one.prompt, one.seed, None, one.min_new_tokens) for one in asks(range(MOST))]
    script = Path(__file__).with_name("complete_prompts.py")
    arguments = [script, small.path, json.dumps(given), TOKENS, *INTEGERS]
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == wanted


@pytest.fixture(scope="module")
def nano() -> LlamaLanguageModel:
    return language_model(shipped_model(), "auto", temperature=0.5, max_new_tokens=200)


def variants(model: LlamaLanguageModel, count: int) -> list[tuple[str, int, int]]:
    request = ExpansionRequest(
        tags="1girl, cat ears",
        tag_length=Length.SHORT,
        caption_length=Length.VERY_SHORT,
        seed=7,
        variants=count,
    )
    return [(one.prompt, one.attempts, one.variant) for one in expand(model, request)]


def test_variant_k_of_n_of_the_shipped_model_is_variant_k_of_m(nano: LlamaLanguageModel) -> None:
    five = variants(nano, 5)
    assert len({prompt for prompt, _, _ in five}) == 5
    assert variants(nano, 2) == five[:2]
    assert variants(nano, 1) == five[:1]
