"""SentencePiece tokenizers, from a model file and from GGUF, against the library itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.lm.files.gguf_header import read_header
from tipo_core.lm.files.gguf_tokenizer import gguf_tokenizer
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.tokenizers.bpe import SpacePrefix, sentencepiece_bpe
from tipo_core.lm.tokenizers.sentencepiece import read_sentencepiece
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer
from tipo_core.training.tokenizer import TIPO_TOKENS

from ..conftest import TEXTS, MakeModel, random_state
from ..gguf_models import Vocabulary, write_gguf
from .conftest import configure, copied

# A second normalizer_spec in a protobuf message overrides the first: no space before a text.
NO_PREFIX = b"\x1a\x02\x18\x00"
ALPHABET = st.sampled_from(
    ["tag", "1girl", "solo", " ", "  ", "\n", ",", ":", "a", "aa", "hair", "\t", "\u00e9", "\u732b",
     "\U0001f380", "\u2581", "<0x0A>", "<|long", "e", "(", "^_^", "0", "12"]
)  # fmt: skip
WORDS = st.lists(ALPHABET, min_size=1, max_size=25).map("".join)
MARKED = st.lists(
    ALPHABET | st.sampled_from([*TIPO_TOKENS[:4], "</s>", "<unk>"]), min_size=1, max_size=25
).map("".join)


def by_chunks(
    text: str, first: Callable[[str], list[int]], later: Callable[[str], list[int]]
) -> list[int]:
    """Return ids as slow tokenizers do: added tokens first, the text between by the library."""
    ids = {"<unk>": 0, "<s>": 1, "</s>": 2, **dict(zip(TIPO_TOKENS, range(420, 433), strict=True))}
    found = [1]
    chunks = re.split("(" + "|".join(map(re.escape, ids)) + ")", text)
    for number, chunk in enumerate(chunks):
        encode = later if number else first
        found += [ids[chunk]] if chunk in ids else encode(chunk) if chunk else []
    return found


@given(WORDS)
def test_ids_equal_those_of_the_library(
    processor: sentencepiece.SentencePieceProcessor, folder: Path, text: str
) -> None:
    ours = TextTokenizer.read(folder / "tokenizer.model")
    assert ours.encode(text) == [1, *processor.encode(text)]
    assert ours.decode(ours.encode(text)) == processor.decode(processor.encode(text))


@given(MARKED)
def test_legacy_tokenizers_put_a_space_after_added_tokens(
    processor: sentencepiece.SentencePieceProcessor, folder: Path, text: str
) -> None:
    ours = TextTokenizer.read(folder / "tokenizer.model")
    assert ours.encode(text) == by_chunks(text, processor.encode, processor.encode)


@given(MARKED)
def test_other_tokenizers_put_no_space_after_added_tokens(
    processor: sentencepiece.SentencePieceProcessor,
    model: bytes,
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
) -> None:
    path = copied(folder, tmp_path_factory.getbasetemp() / "not_legacy")
    configure(path.parent, legacy=False)
    ours = TextTokenizer.read(path)
    bare = sentencepiece.SentencePieceProcessor(model_proto=model + NO_PREFIX)
    # A leading space replaces the one that the tokenizer puts before the text.
    first = bare if text.startswith((" ", "\u2581")) else processor
    assert ours.encode(text) == by_chunks(text, first.encode, bare.encode)


def test_the_prompt_of_tipo(processor: sentencepiece.SentencePieceProcessor, folder: Path) -> None:
    text = "target: <|long|> <|tag_to_long|>\ntag: 1girl,"
    ours = TextTokenizer.read(folder / "tokenizer.model")
    pieces = [
        ours.decode([id_]) if id_ < 420 else TIPO_TOKENS[id_ - 420] for id_ in ours.encode(text)
    ]
    assert pieces.count("<|long|>") == pieces.count("<|tag_to_long|>") == 1
    assert ours.encode("<|long|>") == [1, 423]
    assert ours.encode("<|long|>a") == [1, 423, *processor.encode("a")]
    assert ours.vocab_size == 433


@pytest.mark.parametrize("prefix", [True, False])
def test_a_gguf_file_gives_the_same_ids(
    processor: sentencepiece.SentencePieceProcessor,
    model: bytes,
    folder: Path,
    tmp_path: Path,
    small_config: LlamaConfig,
    prefix: bool,
) -> None:
    ours = gguf_tokenizer(read_header(spaced_gguf(tmp_path, processor, small_config, prefix)))
    wanted = TextTokenizer.read(folder / "tokenizer.model")
    bare = sentencepiece.SentencePieceProcessor(model_proto=model + NO_PREFIX)
    for text in (
        *TEXTS,
        "  a",
        "<|long|>tag: \u00e9\u732b\n\U0001f380",
        "</s> <unk>",
        "a  b   c    d",
    ):
        if prefix:
            assert ours.encode(text) == wanted.encode(text)
        else:
            assert ours.encode(text) == by_chunks(text, bare.encode, bare.encode)
    assert ours.decode(ours.encode(TEXTS[1])) == TEXTS[1]


def spaced_gguf(
    folder: Path,
    processor: sentencepiece.SentencePieceProcessor,
    config: LlamaConfig,
    prefix: bool,
) -> Path:
    """A GGUF file with the processor's pieces, the TIPO tokens and two unused ones."""
    ids = range(processor.vocab_size())
    special = {n: 3 for n in ids if processor.is_control(n)} | {processor.unk_id(): 2}
    kinds = [special.get(n, 6 if processor.is_byte(n) else 1) for n in ids]
    tokens = [*map(processor.id_to_piece, ids), *TIPO_TOKENS, "[PAD433]", "[PAD434]"]
    scores = [*map(processor.get_score, ids), *[-1000.0] * 13, *[-10000.0] * 2]
    extra = {} if prefix else {"add_space_prefix": False}
    vocabulary = Vocabulary("llama", tokens, [*kinds, *[3] * 13, 5, 5], scores, extra=extra)
    config = replace(config, vocab_size=len(tokens), bos_token_id=1, eos_token_ids=(2,))
    write_gguf(folder / "model.gguf", config, random_state(config), vocabulary)
    return folder / "model.gguf"


def test_begin_and_end_tokens_are_configured(folder: Path, tmp_path: Path) -> None:
    path = copied(folder, tmp_path)
    inner = TextTokenizer.read(path).encode("solo")[1:]
    configure(tmp_path, add_bos_token=False)
    assert TextTokenizer.read(path).encode("solo") == inner
    configure(tmp_path, add_bos_token=True, add_eos_token=True)
    assert TextTokenizer.read(path).encode("solo") == [1, *inner, 2]


def test_only_the_model_file_is_needed(model: bytes, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(model)
    ours = TextTokenizer.read(tmp_path / "tokenizer.model")
    assert ours.vocab_size == 420 and ours.encode("</s>") == [1, 2]


def test_a_folder_may_have_the_model_file_only(
    folder: Path, make_model: MakeModel, model: bytes
) -> None:
    files = make_model(vocab_size=433)
    files.tokenizer.unlink()
    copied(folder, files.folder)
    assert files.tokenizer.name == "tokenizer.model"
    assert load_llama(ModelFiles(files.folder))[1].vocab_size == 433


def test_newline_ids_are_all_ids_with_a_newline(folder: Path) -> None:
    tokenizer = TextTokenizer.read(folder / "tokenizer.model")
    assert tokenizer.newline_ids
    for number in range(tokenizer.vocab_size):
        assert (number in tokenizer.newline_ids) == ("\n" in tokenizer.decode([number]))


@pytest.mark.parametrize("name", ["tokenizer.model", "tokenizer.json"])
def test_a_newline_before_an_incomplete_emoji_is_kept(
    folder: Path, tmp_path: Path, name: str
) -> None:
    path = copied(folder, tmp_path)
    pieces = read_sentencepiece(path).vocabulary
    sentencepiece_bpe(pieces, SpacePrefix.EVERYWHERE).save(str(tmp_path / "tokenizer.json"))
    ours = TextTokenizer.read(tmp_path / name)
    prompt, whole = ours.encode("tag: solo"), ours.encode("tag: solo,\n\U0001f380 hat")
    ends = range(len(prompt), len(whole) + 1)
    texts = [ours.decode_after(prompt, whole[len(prompt) : end]) for end in ends]
    assert texts[-1] == ",\n\U0001f380 hat"
    assert all("\n" in text for text in texts[2:])


def test_text_after_a_prompt_keeps_its_leading_space(folder: Path) -> None:
    ours = TextTokenizer.read(folder / "tokenizer.model")
    for head, tail in (
        ("tag: 1girl,", " solo"),
        ("tag:", " a"),
        ("<|long|>", "tag"),
        ("a", "\n b"),
    ):
        ids = ours.encode(head + tail)
        prompt = ours.encode(head)
        assert ids[: len(prompt)] == prompt
        assert ours.decode_after(prompt, ids[len(prompt) :]) == tail


def test_the_content_equals_that_of_the_library(
    processor: sentencepiece.SentencePieceProcessor, folder: Path
) -> None:
    ours = read_sentencepiece(folder / "tokenizer.model")
    ids = range(processor.vocab_size())
    assert list(ours.vocabulary.texts) == [processor.id_to_piece(n) for n in ids]
    assert list(ours.vocabulary.scores) == [processor.get_score(n) for n in ids]
    assert (ours.begin, ours.end, ours.has_prefix) == (1, 2, True)


def test_inner_ids_are_all_ids_that_continue_a_word(folder: Path) -> None:
    tokenizer = TextTokenizer.read(folder / "tokenizer.model")
    assert tokenizer.inner_ids
    prompt = tokenizer.encode("tag: candlelight,")
    for number in range(tokenizer.vocab_size):
        text = tokenizer.decode_after(prompt, [number])
        if text[:1].isascii():
            assert (number in tokenizer.inner_ids) == (text[:1].isalnum())
