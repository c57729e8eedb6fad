"""SentencePiece files that are damaged, unsupported or contradict each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.lm.tokenizers.sentencepiece import read_sentencepiece
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer

from .conftest import configure, copied, train


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "unigram", "vocab_size": 300}, "is not a BPE model"),
        ({"normalization_rule_name": "nmt_nfkc"}, "normalizes text"),
        ({"remove_extra_whitespaces": True}, "removes extra spaces"),
        ({"treat_whitespace_as_suffix": True}, "puts spaces after words"),
        ({"user_defined_symbols": ["<sep>"]}, "has user-defined pieces"),
    ],
)
def test_unsupported_settings_are_errors(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(train(**changes))
    with pytest.raises(ValueError, match=f"{words}, which is not supported") as caught:
        TextTokenizer.read(path)
    assert str(path) in str(caught.value)


def test_contradicting_files_are_errors(folder: Path, tmp_path: Path) -> None:
    path = copied(folder, tmp_path)
    for change, words in (
        ({"a": 500}, "no token with the id 420"),
        ({"a": 5}, "as id 5, the other files in its folder have 'a'"),
        ({"tag": 420}, "'tag' appears twice"),
        ({"a": "x"}, "are not supported"),
    ):
        (tmp_path / "added_tokens.json").write_text(json.dumps(change))
        configure(tmp_path, added_tokens_decoder={})
        with pytest.raises(ValueError, match=words):
            TextTokenizer.read(path)
    (tmp_path / "added_tokens.json").unlink()
    configure(tmp_path, added_tokens_decoder={"420": {"content": "<x>", "lstrip": True}})
    with pytest.raises(ValueError, match="absorbs the spaces around it"):
        TextTokenizer.read(path)
    for broken in ("{", "[]", '{"added_tokens_decoder": {"x": {}}}', '{"added_tokens_decoder": 3}'):
        (tmp_path / "tokenizer_config.json").write_text(broken)
        with pytest.raises(ValueError, match=r"tokenizer_config\.json"):
            TextTokenizer.read(path)


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04abc", b"PK\x03\x04" + bytes(50), b"{}", b"\x00"]
)
def test_another_type_of_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"tokenizer\.model is not a SentencePiece model"):
        TextTokenizer.read(path)


@given(at=st.integers(0, 6000), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_an_error_or_a_valid_model(
    model: bytes, tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: bool
) -> None:
    at %= len(model)
    path = tmp_path_factory.getbasetemp() / "tokenizer.model"
    path.write_bytes(model[:at] if cut else model[:at] + bytes([byte]) + model[at + 1 :])
    try:
        read_sentencepiece(path)
    except ValueError as error:
        assert str(path) in str(error)
