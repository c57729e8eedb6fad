"""A small random Llama with its tokenizer, in the layout of a Hugging Face folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tipo_core.lm.files.fused_weights import to_hf_state_dict
from tipo_core.lm.files.hf_config import hf_config
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.model.llama import Llama
from tipo_core.training.tokenizer import train_tokenizer

TEXTS = [
    "target: <|long|> <|tag_to_long|>\ntag: 1girl, solo, cat ears, long hair, reading a book",
    "long: A girl with long hair is reading a book by the window. She has cat ears.",
    "quality: masterpiece, best quality\nrating: safe",
] * 5

MakeModel = Callable[..., ModelFiles]


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread, because with models this small several only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def random_state(
    config: LlamaConfig, seed: int = 0, spread: float = 0.05
) -> dict[str, torch.Tensor]:
    """Weights for `config`; matrices have the standard deviation `spread`."""
    model = Llama(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            scale = spread if weight.dim() > 1 else 0.1
            weight.copy_(torch.randn(weight.shape, generator=generator) * scale)
            if weight.dim() == 1:
                weight.add_(1)
    return {
        name: one.contiguous() for name, one in to_hf_state_dict(model.state_dict(), config).items()
    }


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Write a random model; keyword arguments replace entries of its config."""
    tokenizer = train_tokenizer(TEXTS, 400)

    def make(seed: int = 0, **changes: object) -> ModelFiles:
        folder = tmp_path_factory.mktemp("model")
        tokenizer.save(str(folder / "tokenizer.json"))
        config = LlamaConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=3,
            num_attention_heads=6,
            num_key_value_heads=2,
            head_dim=8,
            max_position_embeddings=128,
            rms_norm_eps=1e-5,
            rope_theta=10000.0,
            tie_word_embeddings=False,
            bos_token_id=0,
            eos_token_ids=(1,),
        )
        config = replace(config, **changes)  # type: ignore[arg-type]
        save_file(random_state(config, seed, spread=0.3), folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(hf_config(config)))
        return ModelFiles(folder)

    return make


@pytest.fixture(scope="session")
def small_config() -> LlamaConfig:
    """A grouped-query Llama whose rows are whole blocks in every quantization."""
    return LlamaConfig(
        vocab_size=120,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=320,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_ids=(1,),
    )


@pytest.fixture(scope="session")
def files(make_model: MakeModel) -> ModelFiles:
    """One random model, for tests that only read it."""
    return make_model()


def rewrite(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change a JSON file in place."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
