"""Models in each precision, from folders and GGUF files, against fp32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from gguf import GGMLQuantizationType as Quant
from safetensors.torch import load_file, save_file

from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.model.precision import PRECISIONS, resolve

from ..conftest import MakeModel, random_state, rewrite
from ..expert_models import kohaku_state, mixture_config, write_kohaku
from ..gguf_models import plain_vocabulary, write_dots1, write_gguf
from ..passes import CPU, language_model, load, side_by_side, some_tokens

# Largest error of the logits against fp32, in standard deviations of the logits.
WITHIN = {"auto": 5e-3, "int8": 0.1, "bf16": 0.1, "fp16": 5e-3}
SMALLER = pytest.mark.parametrize("precision", list(WITHIN))


def agree(files: ModelFiles, precision: str) -> None:
    """Compare the logits in `precision` with those in fp32."""
    exact, model = load(files), load(files, precision)
    tokens = some_tokens(exact, 2, 60)
    with torch.inference_mode():
        wanted, logits = exact.sequence_logits(tokens), model.sequence_logits(tokens).float()
    assert wanted.std() > 0.5
    error = (logits - wanted).square().mean().sqrt() / wanted.std()
    assert error < WITHIN[precision]


@SMALLER
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("kv_heads", [1, 6])
def test_logits_are_near_those_of_fp32(
    make_model: MakeModel, tied: bool, kv_heads: int, precision: str
) -> None:
    files = make_model(tie_word_embeddings=tied, num_key_value_heads=kv_heads)
    agree(files, precision)
    # Side by side if a row is independent of the others.
    at_once = 1 if precision == "bf16" else 16
    assert language_model(files, precision).max_batch_size == at_once


@SMALLER
@pytest.mark.parametrize("tied", [False, True])
def test_a_gguf_file_is_loaded_in_each_precision(
    tmp_path: Path, small_config: LlamaConfig, tied: bool, precision: str
) -> None:
    config = replace(small_config, tie_word_embeddings=tied)
    files = ModelFiles(tmp_path / "model.gguf")
    state = random_state(config)
    write_gguf(files.path, config, state, plain_vocabulary(120), kind=lambda _: Quant.Q8_0)
    agree(files, precision)


@SMALLER
def test_a_mixture_of_experts_is_loaded_in_each_precision(
    tmp_path: Path, files: ModelFiles, precision: str
) -> None:
    config = mixture_config(files)
    state = kohaku_state(config)
    model = load(write_kohaku(tmp_path, config, state, files.tokenizer), precision)
    write_dots1(tmp_path / "model.gguf", config, state, plain_vocabulary(config.vocab_size))
    same = load(ModelFiles(tmp_path / "model.gguf"), precision)
    tokens = some_tokens(model, 1, 30)
    with torch.inference_mode():
        assert torch.equal(model.sequence_logits(tokens), same.sequence_logits(tokens))
        # The choice of experts may depend on the last bit, so a few rows may differ much.
        exact = load(ModelFiles(tmp_path)).sequence_logits(tokens)
        error = (model.sequence_logits(tokens).float() - exact).abs().amax(
            -1
        ).median() / exact.std()
    assert error < 2 * WITHIN[precision]
    # With experts a row depends on the others.
    assert language_model(ModelFiles(tmp_path), precision).max_batch_size == 1


@pytest.mark.parametrize("precision", ["auto", "int8"])
def test_a_tied_and_an_untied_head_of_the_same_weights_are_the_same(
    make_model: MakeModel, precision: str
) -> None:
    tied, untied = make_model(tie_word_embeddings=True), make_model(tie_word_embeddings=True)
    tensors = load_file(untied.weights)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, untied.weights)
    rewrite(untied.config, lambda values: values.update(tie_word_embeddings=False))
    first, second = load(tied, precision), load(untied, precision)
    tokens = some_tokens(first, 2, 9)
    assert not first.config.tie_word_embeddings
    with torch.inference_mode():
        assert torch.equal(first.sequence_logits(tokens), second.sequence_logits(tokens))


@pytest.mark.parametrize("precision", ["auto", "int8"])
def test_cached_and_uncached_logits_are_near_each_other(files: ModelFiles, precision: str) -> None:
    model = load(files, precision)
    texts = [some_tokens(model, length, seed=length) for length in (30, 22)]
    for dtype, within in ((torch.float32, 2e-3), (torch.float16, 0.04)):
        together = side_by_side(model, texts, [10, 3], cache_dtype=dtype)
        for text, logits in zip(texts, together, strict=True):
            with torch.inference_mode():
                wanted = model.sequence_logits(text[None])[0]
            error = (logits - wanted).square().mean().sqrt() / wanted.std()
            assert error < within


@pytest.mark.parametrize("precision", ["auto", "int8"])
def test_loading_advances_no_generator_and_needs_no_gradient(
    files: ModelFiles, precision: str
) -> None:
    state = torch.get_rng_state()
    model = load(files, precision)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(weight.requires_grad for weight in model.parameters())
    matrices = sum(one.numel() for one in load(files).state_dict().values() if one.dim() > 1)
    size = sum(one.nbytes for one in model.state_dict().values())
    # Bytes per number, of packed matrices too; the scales of narrow matrices are not counted.
    scales = sum(one.nbytes for name, one in model.state_dict().items() if "scales" in name)
    assert size - scales <= {"auto": 2.0, "int8": 1.2}[precision] * matrices + 4096


def test_a_precision_is_resolved_for_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, gpu, half = CPU, torch.device("cuda"), torch.bfloat16
    fp16, fp32 = torch.float16, torch.float32
    names = {"auto", "fp32", "bf16", "fp16", "int8"}
    assert set(PRECISIONS) == names and PRECISIONS[0] == "auto"
    on_gpu = {name: resolve(name, gpu, half) for name in names}
    assert {name: (one.dtype, one.matrices) for name, one in on_gpu.items()} == {
        "auto": (half, None), "fp32": (fp32, None), "bf16": (torch.bfloat16, None),
        "fp16": (fp16, None), "int8": (half, torch.int8),
    }  # fmt: skip
    for has_kernel in (True, False):
        monkeypatch.setattr(
            "tipo_core.lm.model.precision.has_fp16_kernel", lambda has=has_kernel: has
        )
        on_cpu = {name: resolve(name, cpu, half) for name in names}
        kept = fp16 if has_kernel else None
        assert {name: (one.dtype, one.matrices) for name, one in on_cpu.items()} == {
            "auto": (fp32, kept), "fp32": (fp32, None), "bf16": (torch.bfloat16, None),
            "fp16": (fp32 if has_kernel else fp16, kept), "int8": (fp32, torch.int8),
        }  # fmt: skip
    for device in (cpu, gpu):
        with pytest.raises(ValueError, match="precision 'fp8' is unknown: choose auto, fp32, bf16"):
            resolve("fp8", device, half)
