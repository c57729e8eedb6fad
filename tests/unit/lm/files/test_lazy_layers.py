"""Models load into layers that have no weights before; see `lazy_operations`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tests.unit.lazy_operations import LazyOperations
from tests.unit.lm.conftest import MakeModel
from tests.unit.lm.expert_models import kohaku_state, mixture_config, write_kohaku
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.precision import PRECISIONS, resolve

CPU = torch.device("cpu")
KINDS = ("llama", "tied", "qk_norm", "experts")


@pytest.fixture(scope="module")
def models(
    make_model: MakeModel, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, ModelFiles]:
    """One small model of each architecture."""
    llama = make_model()
    mixture = mixture_config(llama)
    folder = tmp_path_factory.mktemp("experts")
    return {
        "llama": llama,
        "tied": make_model(tie_word_embeddings=True),
        "qk_norm": make_model(qk_norm=True),
        "experts": write_kohaku(folder, mixture, kohaku_state(mixture), llama.tokenizer),
    }


def scores(files: ModelFiles, precision: Any, *operations: Any) -> torch.Tensor:
    """Return the logits of a few tokens from a model with the layers of `operations`."""
    model, _ = load_llama(files, precision, *operations)
    with torch.inference_mode():
        return model.sequence_logits(torch.tensor([[3, 1, 4, 1, 5]]))


def test_the_test_double_has_no_weights_before_loading() -> None:
    layer = LazyOperations.Linear(3, 2, bias=False)
    assert layer.weight is None and not layer.state_dict()
    weight = torch.ones(2, 3)
    layer.load_state_dict({"weight": weight}, assign=True)
    assert layer.weight is not None and layer(torch.ones(1, 3)).tolist() == [[3.0, 3.0]]
    with pytest.raises(RuntimeError, match="Missing key"):
        LazyOperations.Linear(3, 2, bias=False).load_state_dict({}, assign=True)
    other = LazyOperations.Conv2d(1, 1, 1)
    other.load_state_dict({"weight": torch.ones(1, 1, 1, 1), "bias": torch.zeros(1)})
    assert isinstance(other, nn.Conv2d) and other(torch.ones(1, 1, 2, 2)).sum() == 4


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_loads_in_every_precision(
    models: dict[str, ModelFiles], kind: str, precision: str
) -> None:
    chosen = resolve(precision, CPU, torch.float32)
    plain = scores(models[kind], chosen)
    assert torch.equal(scores(models[kind], chosen, LazyOperations), plain)
