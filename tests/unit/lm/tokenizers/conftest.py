"""A SentencePiece model trained on a few texts, and a folder of files around it."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from tipo_core.training.tokenizer import TIPO_TOKENS

from ..conftest import TEXTS

# LLaMA's own settings: no normalization, bytes for unknown characters.
SETTINGS: dict[str, Any] = {
    "model_type": "bpe",
    "vocab_size": 420,
    "byte_fallback": True,
    "normalization_rule_name": "identity",
    "remove_extra_whitespaces": False,
    "split_digits": True,
    "allow_whitespace_only_pieces": True,
    "character_coverage": 0.999,
    "num_threads": 1,
    "minloglevel": 2,
}


def train(**changes: Any) -> bytes:
    """Return a model trained on `TEXTS`; keyword arguments replace entries of `SETTINGS`."""
    model = io.BytesIO()
    texts = [*TEXTS, "a  b   c    d     e", "reading, sitting, standing, looking at viewer"] * 3
    lines = [line for text in texts for line in text.split("\n")]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, **{**SETTINGS, **changes}
    )
    return model.getvalue()


@pytest.fixture(scope="session")
def model() -> bytes:
    return train()


@pytest.fixture(scope="session")
def processor(model: bytes) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_proto=model)


@pytest.fixture(scope="session")
def folder(model: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with the TIPO tokens, as transformers 4 saves a slow tokenizer."""
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "tokenizer.model").write_bytes(model)
    added = dict(zip(TIPO_TOKENS, range(420, 433), strict=True))
    (folder / "added_tokens.json").write_text(json.dumps(added))
    special = {0: "<unk>", 1: "<s>", 2: "</s>", **{id_: text for text, id_ in added.items()}}
    decoder = {id_: {"content": text, "special": True} for id_, text in special.items()}
    configure(folder, added_tokens_decoder=decoder, legacy=True)
    return folder


def configure(folder: Path, **values: object) -> None:
    path = folder / "tokenizer_config.json"
    old = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**old, **values}))


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target, dirs_exist_ok=True)
    return target / "tokenizer.model"
