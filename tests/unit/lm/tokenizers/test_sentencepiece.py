"""SentencePiece tokenizers, from a model file and from GGUF, against the library itself."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.lm.files.gguf_header import read_header
from tipo_core.lm.files.gguf_tokenizer import gguf_tokenizer
from tipo_core.lm.files.loader import ModelFiles, load_llama
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.tokenizers.bpe import SpacePrefix, sentencepiece_bpe
from tipo_core.lm.tokenizers.sentencepiece import read_sentencepiece
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer
from tipo_core.training.tokenizer import TIPO_TOKENS

from ..conftest import TEXTS, MakeModel, random_state
from ..gguf_models import Vocabulary, write_gguf

# LLaMA's own settings: no normalisation, bytes for what is unknown.
SETTINGS = {
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


def train(**changes: object) -> bytes:
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


def by_chunks(
    text: str, first: Callable[[str], list[int]], later: Callable[[str], list[int]]
) -> list[int]:
    """Added tokens first, the text between them by the library: how slow tokenizers work."""
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
def test_a_space_stands_behind_added_tokens_in_legacy_tokenizers(
    processor: sentencepiece.SentencePieceProcessor, folder: Path, text: str
) -> None:
    ours = TextTokenizer.read(folder / "tokenizer.model")
    assert ours.encode(text) == by_chunks(text, processor.encode, processor.encode)


@given(MARKED)
def test_no_space_stands_there_in_others(
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
    # A space that is there already stands for the one that is put in front.
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
    assert ours.size == 433


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


def test_what_is_put_around_a_text_is_configured(folder: Path, tmp_path: Path) -> None:
    path = copied(folder, tmp_path)
    inner = TextTokenizer.read(path).encode("solo")[1:]
    configure(tmp_path, add_bos_token=False)
    assert TextTokenizer.read(path).encode("solo") == inner
    configure(tmp_path, add_bos_token=True, add_eos_token=True)
    assert TextTokenizer.read(path).encode("solo") == [1, *inner, 2]


def test_only_the_model_file_is_needed(model: bytes, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(model)
    ours = TextTokenizer.read(tmp_path / "tokenizer.model")
    assert ours.size == 420 and ours.encode("</s>") == [1, 2]


def test_a_folder_may_hold_the_model_file_alone(
    folder: Path, make_model: MakeModel, model: bytes
) -> None:
    files = make_model(vocab_size=433)
    files.tokenizer.unlink()
    copied(folder, files.folder)
    assert files.tokenizer.name == "tokenizer.model"
    assert load_llama(ModelFiles(files.folder))[1].size == 433


def test_the_ids_of_line_ends_are_known(folder: Path) -> None:
    tokenizer = TextTokenizer.read(folder / "tokenizer.model")
    assert tokenizer.line_ends
    for number in range(tokenizer.size):
        assert (number in tokenizer.line_ends) == ("\n" in tokenizer.decode([number]))


@pytest.mark.parametrize("name", ["tokenizer.model", "tokenizer.json"])
def test_the_line_end_before_an_emoji_stays_while_it_grows(
    folder: Path, tmp_path: Path, name: str
) -> None:
    path = copied(folder, tmp_path)
    pieces = read_sentencepiece(path).pieces
    sentencepiece_bpe(pieces, SpacePrefix.EVERYWHERE).save(str(tmp_path / "tokenizer.json"))
    ours = TextTokenizer.read(tmp_path / name)
    prompt, whole = ours.encode("tag: solo"), ours.encode("tag: solo,\n\U0001f380 hat")
    ends = range(len(prompt), len(whole) + 1)
    texts = [ours.decode_after(prompt, whole[len(prompt) : end]) for end in ends]
    assert texts[-1] == ",\n\U0001f380 hat"
    assert all("\n" in text for text in texts[2:])


def test_text_behind_a_prompt_keeps_its_leading_space(folder: Path) -> None:
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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "unigram", "vocab_size": 300}, "is no BPE model"),
        ({"normalization_rule_name": "nmt_nfkc"}, "normalises its text"),
        ({"remove_extra_whitespaces": True}, "removes extra spaces"),
        ({"treat_whitespace_as_suffix": True}, "puts spaces behind words"),
        ({"user_defined_symbols": ["<sep>"]}, "has user-defined pieces"),
    ],
)
def test_what_is_not_done_here_is_refused(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(train(**changes))
    with pytest.raises(ValueError, match=f"{words}, which is not supported") as caught:
        TextTokenizer.read(path)
    assert str(path) in str(caught.value)


def test_files_that_contradict_each_other_are_refused(folder: Path, tmp_path: Path) -> None:
    path = copied(folder, tmp_path)
    for change, words in (
        ({"a": 500}, "no token the id 420"),
        ({"a": 5}, "under 5, the files beside it have 'a'"),
        ({"tag": 420}, "'tag' is there twice"),
        ({"a": "x"}, "are not supported"),
    ):
        (tmp_path / "added_tokens.json").write_text(json.dumps(change))
        configure(tmp_path, added_tokens_decoder={})
        with pytest.raises(ValueError, match=words):
            TextTokenizer.read(path)
    (tmp_path / "added_tokens.json").unlink()
    configure(tmp_path, added_tokens_decoder={"420": {"content": "<x>", "lstrip": True}})
    with pytest.raises(ValueError, match="takes in the spaces around it"):
        TextTokenizer.read(path)
    for broken in ("{", "[]", '{"added_tokens_decoder": {"x": {}}}', '{"added_tokens_decoder": 3}'):
        (tmp_path / "tokenizer_config.json").write_text(broken)
        with pytest.raises(ValueError, match=r"tokenizer_config\.json"):
            TextTokenizer.read(path)


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04abc", b"PK\x03\x04" + bytes(50), b"{}", b"\x00"]
)
def test_a_foreign_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"tokenizer\.model is no SentencePiece model"):
        TextTokenizer.read(path)


@given(at=st.integers(0, 6000), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_an_error_or_another_model(
    model: bytes, tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: bool
) -> None:
    at %= len(model)
    path = tmp_path_factory.getbasetemp() / "tokenizer.model"
    path.write_bytes(model[:at] if cut else model[:at] + bytes([byte]) + model[at + 1 :])
    try:
        read_sentencepiece(path)
    except ValueError as error:
        assert str(path) in str(error)


def test_the_content_equals_what_the_library_reads(
    processor: sentencepiece.SentencePieceProcessor, folder: Path
) -> None:
    ours = read_sentencepiece(folder / "tokenizer.model")
    ids = range(processor.vocab_size())
    assert list(ours.pieces.texts) == [processor.id_to_piece(n) for n in ids]
    assert list(ours.pieces.scores) == [processor.get_score(n) for n in ids]
    assert (ours.begin, ours.end, ours.has_prefix) == (1, 2, True)
