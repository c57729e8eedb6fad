"""The model against the `transformers` library on the same weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles

from ..conftest import MakeModel
from ..passes import greedy, in_pieces, load, side_by_side, some_tokens

# The import of transformers takes ten seconds, in each process.
pytestmark = pytest.mark.xdist_group("transformers")


def theirs(files: ModelFiles) -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.LlamaForCausalLM.from_pretrained(files.folder, dtype=torch.float32)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("kv_heads", [1, 2, 6])
def test_logits_equal_those_of_transformers(
    make_model: MakeModel, tied: bool, kv_heads: int
) -> None:
    files = make_model(tie_word_embeddings=tied, num_key_value_heads=kv_heads)
    ours = load(files)
    tokens = some_tokens(ours, 3, 40)
    with torch.inference_mode():
        difference = (ours.sequence_logits(tokens) - theirs(files)(tokens).logits).abs().max()
    assert difference < 1e-4


@pytest.mark.parametrize(
    ("tied", "kv_heads", "penalty"), [(False, 2, 1.0), (True, 1, 1.0), (False, 6, 1.17)]
)
def test_greedy_tokens_equal_those_of_transformers(
    make_model: MakeModel, tied: bool, kv_heads: int, penalty: float
) -> None:
    files = make_model(
        tie_word_embeddings=tied, num_key_value_heads=kv_heads, max_position_embeddings=300
    )
    model, tokenizer = load_llama(files)
    ids = tokenizer.encode("target: <|long|>\ntag: 1girl, cat ears,")
    count = 256
    wanted = theirs(files).generate(
        torch.tensor([ids]),
        do_sample=False,
        max_new_tokens=count,
        min_new_tokens=count,
        repetition_penalty=penalty,
    )
    assert greedy(model, ids, count, penalty) == wanted[0, len(ids) :].tolist()


def test_rope_theta_of_the_config_is_used(make_model: MakeModel) -> None:
    files = make_model(rope_theta=500.0)
    ours = load(files)
    tokens = some_tokens(ours, 1, 60)
    with torch.inference_mode():
        assert (ours.sequence_logits(tokens) - theirs(files)(tokens).logits).abs().max() < 1e-4


@pytest.mark.parametrize("kv_heads", [1, 2, 6])
def test_cached_and_uncached_logits_are_equal(make_model: MakeModel, kv_heads: int) -> None:
    model = load(make_model(num_key_value_heads=kv_heads))
    tokens = some_tokens(model, 25)
    with torch.inference_mode():
        whole = model.sequence_logits(tokens[None])[0]
    # All at once, a few at once with a filled cache, and one at a time.
    for sizes in ([25], [1, 24], [7, 3, 15], [24, 1], [1] * 25):
        torch.testing.assert_close(in_pieces(model, tokens, sizes), whole, atol=1e-4, rtol=0)


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_logits_side_by_side_are_those_of_each_text_alone(
    make_model: MakeModel, rows: list[int]
) -> None:
    model = load(make_model())
    texts = [some_tokens(model, length, seed=length) for length in (25, 12, 20, 18)]
    # The second and the third start with equal lengths.
    together = side_by_side(model, texts, [12, 5, 5, 1], rows)
    for text, logits in zip(texts, together, strict=True):
        with torch.inference_mode():
            torch.testing.assert_close(
                logits, model.sequence_logits(text[None])[0], atol=1e-4, rtol=0
            )
