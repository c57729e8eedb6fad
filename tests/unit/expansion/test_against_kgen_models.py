"""The faults of tipo-kgen 0.3.1 that concern the model: its context, its sampling, its files.

The reference is read here and not run, because its import of transformers takes ten seconds.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.tasks import Length
from tipo_core.lm.files.fused_weights import to_hf_state_dict
from tipo_core.lm.files.hf_config import hf_config, read_hf_config
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.completion import Completion, StopReason
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.hub.catalog import shipped_model
from tipo_core.lm.model.config import LlamaConfig, MoEConfig
from tipo_core.lm.model.llama import Llama
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer

CONTEXT = 40


def tiny_config() -> LlamaConfig:
    return replace(
        read_hf_config(shipped_model().config),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=CONTEXT,
    )


@pytest.fixture(scope="module")
def tiny() -> tuple[Llama, TextTokenizer]:
    """A model of 40 positions with random weights and the vocabulary of the shipped one."""
    model = Llama(tiny_config())
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    return model, TextTokenizer.read(shipped_model().tokenizer)


def language_model(tiny: tuple[Llama, TextTokenizer], **options: float) -> LlamaLanguageModel:
    chosen = SamplingOptions(**{"top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0, **options})  # type: ignore[arg-type]
    return LlamaLanguageModel(*tiny, chosen, device=torch.device("cpu"), dtype=torch.float32)


def test_8_an_answer_ends_at_the_context_and_is_kept(tiny: tuple[Llama, TextTokenizer]) -> None:
    """tipo-kgen has no such bound: see `test_8_a_field_goes_on_from_what_it_has`."""
    typed = "1girl, " * 5 + "hat"
    for tags in (typed, f"{typed}, " * 9):  # room for some tokens, room for none
        request = ExpansionRequest(tags, "", Length.VERY_LONG, Length.VERY_LONG)
        expansion = expand(language_model(tiny), request)[0]
        assert expansion.tags.startswith(tags)
        assert expansion.passes[-1].result.reason is StopReason.CONTEXT_LIMIT
    assert not expansion.added


def call(file: str, function: str) -> dict[str, str]:
    """The keyword arguments of a call in the source of tipo-kgen."""
    found = importlib.util.find_spec("kgen")
    assert found is not None and found.origin is not None
    tree = ast.parse((Path(found.origin).parent / file).read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    [one] = [node for node in calls if ast.unparse(node.func) == function]
    return {str(word.arg): ast.unparse(word.value) for word in one.keywords}


def test_9_min_p_is_applied_and_the_context_is_the_models(
    tiny: tuple[Llama, TextTokenizer],
) -> None:
    completion = call("generate.py", "model.create_completion")
    assert "top_p" in completion and "min_p" not in completion
    assert call("models.py", "Llama")["n_ctx"] == "2048"

    def written(tokens: int, seed: int = 0, **options: float) -> Completion:
        model = language_model(tiny, max_new_tokens=tokens, **options)
        return model.complete("tag: 1girl,", seed=seed)

    likeliest = written(8, temperature=0, min_p=0).text
    assert [written(8, seed, min_p=1).text for seed in range(3)] == [likeliest] * 3
    assert written(8, min_p=0).text != likeliest
    full = written(512, min_p=0)
    assert full.prompt_tokens + full.new_tokens == CONTEXT
    assert full.reason is StopReason.CONTEXT_LIMIT


def test_10_a_v2_model_without_its_experts_is_an_error_that_lists_them(tmp_path: Path) -> None:
    # tipo-kgen loads every listed model with one class, v2 models too: weights that do not fit
    # stay random.
    assert "torch_dtype" in call("models.py", "LlamaForCausalLM.from_pretrained")
    experts = MoEConfig(
        num_experts=4,
        num_experts_per_token=2,
        num_shared_experts=1,
        intermediate_size=8,
        first_dense_layers=0,
        routed_scaling_factor=1.0,
        norm_topk_prob=True,
    )
    config = replace(tiny_config(), qk_norm=True, moe=experts)
    state = to_hf_state_dict(Llama(config).state_dict(), config)
    kept = {name: one for name, one in state.items() if "expert" not in name}
    save_file(kept, tmp_path / "model.safetensors")
    shutil.copy(shipped_model().tokenizer, tmp_path / "tokenizer.json")
    values = hf_config(config)
    assert values["architectures"] == ["KohakuForCausalLM"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match="do not fit its config") as caught:
        load_llama(ModelFiles(tmp_path))
    for name in ("gate_proj", "up_proj", "down_proj", "shared_expert.up_proj", "expert_bias"):
        assert f"missing model.layers.0.mlp.{name}" in str(caught.value)


def test_10_a_model_of_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    config = {"architectures": ["QwenForCausalLM"], "model_type": "qwen", "hidden_size": 768}
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).touch()
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"describes QwenForCausalLM; .*choose a TIPO model"):
        load_llama(ModelFiles(tmp_path))
