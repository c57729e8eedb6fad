"""The random models: every program reads them alike, and they write whole answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from devkit.bench.engines import load_ours
from devkit.bench.models.llama_gguf import write_llama_gguf
from devkit.bench.models.moe_gguf import TIPO_V2, write_experts_gguf
from devkit.bench.models.random_models import (
    TIPO_200M,
    TIPO_500M,
    BenchModel,
    Shape,
    cached,
    config_of,
    random_weights,
    teach,
    words_of,
    write_folder,
)
from devkit.bench.models.word_chain import (
    SENTENCES,
    TAGS,
    TOKENS_PER_SENTENCE,
    TOKENS_PER_TAG,
    Words,
)
from devkit.bench.rows.agreement import scores
from devkit.setup.layout import Layout, this_checkout
from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.model.config import MoEConfig

TINY = Shape("tiny", 11000, 64, 2, 4, 96, context=1024)
# No digits: llama.cpp has no name for the way in which tipo-nano cuts them.
PROMPT = "target: <|long|>\ntag: cat ears, hat,"


@pytest.fixture(scope="module")
def words() -> Words:
    return words_of(TINY, this_checkout())


@pytest.fixture(scope="module")
def untaught(tmp_path_factory: pytest.TempPathFactory, words: Words) -> dict[str, Path]:
    """A model that writes anything, so that every weight counts, as each kind of file."""
    return write(tmp_path_factory.mktemp("untaught"), words, taught=False)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, words: Words) -> dict[str, Path]:
    return write(tmp_path_factory.mktemp("taught"), words, taught=True)


def write(folder: Path, words: Words, *, taught: bool) -> dict[str, Path]:
    config, weights = config_of(TINY, words), random_weights(TINY)
    if taught:
        teach(weights, words)
    else:
        # Larger weights than in the real shapes: a narrow model's layers would hardly matter else.
        weights = {name: 8 * one if one.dim() > 1 else one for name, one in weights.items()}
    paths = {"folder": folder / "model"}
    write_folder(paths["folder"], config, weights, words)
    for kind in ("F16", "Q8_0"):
        paths[kind] = folder / f"model-{kind}.gguf"
        write_llama_gguf(paths[kind], config, weights, words, kind)
    return paths


def language_model(path: Path, **options: Any) -> LlamaLanguageModel:
    model, tokenizer = load_ours(path, "fp32", torch.device("cpu"))
    return LlamaLanguageModel(
        model,
        tokenizer,
        SamplingOptions(**options),
        device=torch.device("cpu"),
        dtype=torch.float32,
    )


def greedy(path: Path) -> str:
    options = {"temperature": 0.0, "repetition_penalty": 1.0, "max_new_tokens": 6}
    return language_model(path, **options).complete(PROMPT, seed=0, min_new_tokens=6).text


def test_the_shapes_have_the_published_sizes() -> None:
    assert TIPO_200M.parameters / 1e6 == pytest.approx(202.5, abs=0.1)
    assert TIPO_500M.parameters / 1e6 == pytest.approx(507.9, abs=0.1)


def test_weights_are_the_same_on_every_call() -> None:
    first, second = random_weights(TINY), random_weights(TINY)
    assert all(torch.equal(one, second[name]) for name, one in first.items())
    assert first["lm_head.weight"].std().item() == pytest.approx(0.02, rel=0.01)


def test_every_kind_of_file_is_the_same_model(untaught: dict[str, Path]) -> None:
    folder, gguf = (language_model(untaught[kind]).tokenizer for kind in ("folder", "F16"))
    assert folder.encode(PROMPT) == gguf.encode(PROMPT)
    assert greedy(untaught["folder"]) == greedy(untaught["F16"])


def test_a_quantised_file_holds_nearly_the_same_values(untaught: dict[str, Path]) -> None:
    whole = language_model(untaught["folder"]).model.state_dict()
    for name, blocks in language_model(untaught["Q8_0"]).model.state_dict().items():
        torch.testing.assert_close(blocks, whole[name], rtol=0, atol=0.01)


def test_llama_cpp_finds_the_same_likeliest_tokens(untaught: dict[str, Path]) -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    llama = llama_cpp.Llama(str(untaught["F16"]), n_ctx=64, verbose=False, logits_all=True)
    ids = llama.tokenize(PROMPT.encode(), add_bos=True, special=True)
    ours = language_model(untaught["folder"])
    assert ids == ours.tokenizer.encode(PROMPT)
    llama.eval(ids)
    theirs = torch.tensor(llama.scores[: len(ids)]).argmax(-1)
    assert scores(ours, ids).argmax(-1).tolist() == theirs.tolist()


def test_a_whole_request_takes_the_same_tokens_for_any_seed(taught: dict[str, Path]) -> None:
    tags = "1girl, cat ears, reading a book"
    for path, variants in ((taught["folder"], 2), (taught["Q8_0"], 1)):
        expansions = expand(language_model(path), ExpansionRequest(tags=tags, variants=variants))
        assert len({expansion.tags for expansion in expansions}) == variants
        for expansion in expansions:
            assert expansion.attempts == 1
            assert len(expansion.added_tags) == TAGS
            assert not expansion.banned
            tokens = [report.result.new_tokens for report in expansion.passes]
            assert tokens == [TAGS * TOKENS_PER_TAG, SENTENCES * TOKENS_PER_SENTENCE]


def test_a_model_of_experts_is_read(tmp_path: Path) -> None:
    config = replace(
        TIPO_V2,
        vocab_size=512,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=6,
        head_dim=16,
        moe=MoEConfig(4, 2, 1, 32, 1, 1.0, True),
    )
    path = tmp_path / "experts.gguf"
    write_experts_gguf(path, config)
    model = language_model(path, max_new_tokens=4)
    assert model.model.config.num_key_value_heads == config.num_key_value_heads
    assert model.complete("abc", seed=0, min_new_tokens=4).new_tokens == 4


def test_a_file_is_written_once_and_whole(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    calls: list[Path] = []

    def breaking(path: Path) -> None:
        path.write_text("half")
        raise ValueError

    def writing(path: Path) -> None:
        calls.append(path)
        path.write_text("whole")

    with pytest.raises(ValueError):
        cached(layout, "a.gguf", 1, breaking)
    assert not any(path.is_file() for path in layout.host.rglob("*"))
    first, second = (cached(layout, "a.gguf", 1, writing) for _ in range(2))
    assert first == second
    assert first.read_text() == "whole"
    assert len(calls) == 1


def test_files_of_the_bench_lie_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "tipo_core").symlink_to(this_checkout().root / "tipo_core")
    path = BenchModel(TINY, Layout(tmp_path)).folder()
    assert path.parent == tmp_path / ".host" / "bench"
    assert {one.name for one in path.iterdir()} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    }
