"""Settings of a tokenizer.json that must not change a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer
from tipo_core.training.tokenizer import train_tokenizer

from ..conftest import TEXTS

TEXT = "tag: 1girl, solo, cat ears, long hair, reading a book, window, sitting, looking at viewer"


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("setting", ["truncation", "padding", "padding to a multiple", "both"])
def test_truncation_and_padding_of_a_tokenizer_file_are_switched_off(
    tmp_path: Path, setting: str, side: str
) -> None:
    """They belong to training: a prompt would lose its end, or be followed by padding."""
    tokenizer = train_tokenizer(TEXTS, 400)
    wanted = tokenizer.encode(TEXT).ids
    if setting in ("truncation", "both"):
        tokenizer.enable_truncation(4, direction=side)
    if setting in ("padding", "both"):
        tokenizer.enable_padding(direction=side, length=200, pad_id=1)
    elif setting == "padding to a multiple":
        tokenizer.enable_padding(direction=side, pad_to_multiple_of=64, pad_id=1)
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    assert Tokenizer.from_file(str(path)).encode(TEXT).ids != wanted
    assert TextTokenizer.read(path).encode(TEXT) == wanted


def test_an_error_of_a_tokenizer_file_is_short(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text('{"truncation": "' + "x" * 100_000 + '"}')
    with pytest.raises(ValueError, match=r"tokenizer\.json is not a tokenizer") as caught:
        TextTokenizer.read(path)
    assert len(str(caught.value)) < 600
