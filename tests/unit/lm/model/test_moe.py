"""Mixtures of experts: their logits against transformers and llama.cpp on the same weights."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from safetensors.torch import load_file

from tipo_core.lm.files.fused_weights import to_hf_state_dict
from tipo_core.lm.files.hf_config import hf_config
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.kernels.embedding_bag import IndexedMatVec
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.model.llama import Llama
from tipo_core.lm.model.moe import Experts
from tipo_core.lm.model.precision import Precision

from ..expert_models import EXPERTS, State, kohaku_state, mixture_config, write_kohaku
from ..gguf_models import plain_vocabulary, write_dots1
from ..passes import load, side_by_side

# The import of transformers takes ten seconds, in each process.
pytestmark = pytest.mark.xdist_group("transformers")

# torch warns of matrices without rows, which transformers creates if there are no shared experts.
NO_SHARED = "ignore:Initializing zero-element tensors"


@pytest.fixture(scope="module")
def config(files: ModelFiles) -> LlamaConfig:
    return mixture_config(files)


def transformers_model(config: LlamaConfig, state: State) -> Any:
    """The model of the transformers library with the weights of `state`."""
    transformers = pytest.importorskip("transformers")
    moe = config.moe
    assert moe is not None
    values = hf_config(config)
    for key in ("architectures", "model_type", "first_k_dense"):
        del values[key]
    theirs = transformers.Dots1Config(
        **values, first_k_dense_replace=moe.first_dense_layers, sliding_window=None
    )
    model = transformers.Dots1ForCausalLM(theirs).eval()
    given = {}
    for name, weight in state.items():
        if name.endswith("mlp.gate_proj"):
            both = torch.cat((weight, state[name.replace("gate_proj", "up_proj")]), 1)
            given[name.replace("gate_proj", "experts.gate_up_proj")] = both
        elif not name.endswith("mlp.up_proj"):
            name = name.replace("mlp.expert_bias", "mlp.gate.e_score_correction_bias")
            name = name.replace("mlp.shared_expert.", "mlp.shared_experts.")
            given[re.sub(r"mlp\.down_proj$", "mlp.experts.down_proj", name)] = weight
    missing, unexpected = model.load_state_dict(given, strict=False)
    assert not unexpected and all("shared_experts" in name for name in missing)
    assert not missing or not moe.num_shared_experts
    return model


def prefill_and_decode(model: Llama, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits of all tokens at once, and of one after the other after the first two."""
    with torch.inference_mode():
        whole = model.sequence_logits(tokens)
    return whole, torch.stack(side_by_side(model, tokens.unbind(0), [2] * len(tokens)))


def check(model: Llama, wanted: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Compare prefill and decode with the `wanted` logits."""
    size = model.config.vocab_size
    tokens = torch.randint(0, size, (2, 40), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits = wanted(tokens)
    assert logits.std() > 0.5
    for ours in prefill_and_decode(model, tokens):
        assert (ours - logits).abs().max() < 1e-4


@pytest.mark.filterwarnings(NO_SHARED)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_shared_experts": 0, "first_dense_layers": 0},
        {"num_shared_experts": 2, "num_experts_per_token": 8},
        {"num_experts_per_token": 1, "num_shared_experts": 1, "norm_topk_prob": False},
        {"norm_topk_prob": False, "routed_scaling_factor": 2.5},
    ],
    ids=str,
)
def test_logits_equal_those_of_transformers(
    tmp_path: Path, files: ModelFiles, config: LlamaConfig, changes: dict[str, Any]
) -> None:
    config = replace(config, moe=replace(EXPERTS, **changes))
    state = kohaku_state(config)
    theirs = transformers_model(config, state)
    ours = load(write_kohaku(tmp_path, config, state, files.tokenizer))
    assert ours.config == config
    check(ours, lambda tokens: theirs(tokens).logits)


@pytest.mark.filterwarnings(NO_SHARED)
@pytest.mark.parametrize("shared", [0, 1, 2])
def test_a_folder_saved_by_transformers_is_the_same_model(
    tmp_path: Path, files: ModelFiles, config: LlamaConfig, shared: int
) -> None:
    config = replace(config, moe=replace(EXPERTS, num_shared_experts=shared))
    theirs = transformers_model(config, kohaku_state(config))
    theirs.save_pretrained(tmp_path)
    shutil.copy(files.tokenizer, tmp_path / "tokenizer.json")
    assert any(".experts.7.up_proj." in name for name in load_file(tmp_path / "model.safetensors"))
    ours = load(ModelFiles(tmp_path))
    assert ours.config == config
    check(ours, lambda tokens: theirs(tokens).logits)


@pytest.mark.parametrize("kv_heads", [1, 2, 6])
def test_a_gguf_file_is_the_same_model(
    tmp_path: Path, files: ModelFiles, config: LlamaConfig, kv_heads: int
) -> None:
    config = replace(config, num_key_value_heads=kv_heads)
    state = kohaku_state(config)
    path = tmp_path / "model.gguf"
    write_dots1(path, config, state, plain_vocabulary(config.vocab_size))
    ours = load(ModelFiles(path))
    # The file has six key/value heads, with each of the two repeated three times.
    assert ours.config == config
    same = load(write_kohaku(tmp_path, config, state, files.tokenizer)).state_dict()
    assert list(ours.state_dict()) == list(same)
    assert all(torch.equal(one, same[name]) for name, one in ours.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_experts_are_converted_once_and_the_router_stays_in_fp32(
    tmp_path: Path, files: ModelFiles, config: LlamaConfig, dtype: torch.dtype
) -> None:
    state = kohaku_state(config)
    model, _ = load_llama(
        write_kohaku(tmp_path, config, state, files.tokenizer), Precision("half", dtype)
    )
    moe = model.get_submodule("layers.2.mlp").state_dict()
    stored = {name.removeprefix("model.layers.2.mlp."): one for name, one in state.items()}
    assert torch.equal(moe["gate.weight"], stored["gate.weight"])
    assert torch.equal(moe["gate.expert_bias"], stored["expert_bias"])
    gate_up = torch.cat((stored["gate_proj"], stored["up_proj"]), 1).mT
    assert torch.equal(moe["experts.gate_up"][:8], gate_up.to(dtype))
    assert torch.equal(moe["experts.down"][:8], stored["down_proj"].mT.to(dtype))
    shared = stored["shared_expert.down_proj.weight"].mT
    assert torch.equal(moe["experts.down"][8], shared.to(dtype))


def test_heads_that_are_not_repeated_in_every_layer_are_kept(
    tmp_path: Path, config: LlamaConfig
) -> None:
    state = kohaku_state(config)
    path = tmp_path / "model.gguf"

    def change(writer: gguf.GGUFWriter) -> None:
        values = writer.tensors[0]["blk.2.attn_v.weight"].tensor
        assert values is not None
        values[0, 0] += 1

    write_dots1(path, config, state, plain_vocabulary(config.vocab_size), change=change)
    ours = load(ModelFiles(path))
    assert ours.config.num_key_value_heads == config.num_attention_heads
    for name, weight in to_hf_state_dict(ours.state_dict(), ours.config).items():
        if "k_proj" in name:
            repeated = state[name].view(2, 1, 8, -1).expand(2, 3, 8, -1)
            assert torch.equal(weight.view_as(repeated), repeated)


def test_nan_weights_are_refused_by_name(tmp_path: Path, config: LlamaConfig) -> None:
    state = kohaku_state(config)
    state["model.layers.0.self_attn.k_proj.weight"][0, 0] = torch.nan
    path = tmp_path / "model.gguf"
    write_dots1(path, config, state, plain_vocabulary(config.vocab_size))
    with pytest.raises(ValueError, match=r"model\.gguf is damaged .*blk\.0\.attn_k\.weight"):
        load(ModelFiles(path))


def test_greedy_tokens_equal_those_of_llama_cpp(tmp_path: Path, config: LlamaConfig) -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    config = replace(config, max_position_embeddings=512)
    path = tmp_path / "model.gguf"
    write_dots1(path, config, kohaku_state(config), plain_vocabulary(config.vocab_size))
    tokens = torch.randint(
        0, config.vocab_size, (1, 500), generator=torch.Generator().manual_seed(1)
    )
    theirs = llama_cpp.Llama(
        str(path),
        n_ctx=512,
        logits_all=True,
        n_threads=1,
        type_k=llama_cpp.GGML_TYPE_F32,
        type_v=llama_cpp.GGML_TYPE_F32,
        verbose=False,
    )
    theirs.eval(tokens[0].tolist())
    wanted = torch.from_numpy(theirs.scores[:500].copy())
    for logits in prefill_and_decode(load(ModelFiles(path)), tokens):
        assert logits[0].argmax(-1).tolist() == wanted.argmax(-1).tolist()
        assert (logits[0] - wanted).abs().max() < 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_three_computations_of_experts_agree(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    experts = Experts(48, EXPERTS, dtype=dtype)
    with torch.inference_mode():
        for stack in experts.parameters():
            stack.copy_(torch.randn(stack.shape, generator=generator) * 0.2)
        x = torch.randn(5, 48, generator=generator).to(dtype)
        chosen = torch.rand(5, 9, generator=generator).topk(4).indices
        weights = torch.rand(5, 4, generator=generator).to(dtype)
        ways = (experts.by_pair_in_place, experts.by_pair_copied, experts.by_expert)
        outputs = [way(x, chosen, weights).float() for way in ways]
    tolerance = 1e-5 if dtype is torch.float32 else 16 * torch.finfo(dtype).eps
    for other in outputs[1:]:
        torch.testing.assert_close(other, outputs[0], atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("width", [1, 7, 512, 521, 768, 1042, 1536])
def test_indexed_products_equal_matrix_products(width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    stack = torch.randn(3, 10, width, generator=generator)
    inputs = torch.randn(4, 10, generator=generator)
    which = torch.tensor([2, 0, 0, 1])
    wanted = torch.stack([row @ stack[n] for row, n in zip(inputs, which, strict=True)])
    torch.testing.assert_close(IndexedMatVec(10, width)(stack, which.int(), inputs), wanted)
