"""Byte-level tokenizers of GGUF files against the tokenizer.json of the same models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer

from tipo_core.lm.files.gguf_header import read_header
from tipo_core.lm.files.gguf_tokenizer import gguf_tokenizer
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer

from ..conftest import TEXTS, random_state
from ..gguf_models import Vocabulary, write_gguf

SPECIAL = ("<s>", "</s>", "<|long|>", "<|tag_to_long|>")
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def split(expression: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(expression), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


# As in the tokenizer.json of GPT-2, SmolLM2, Llama 3 and Qwen2.
WORDS = {
    "gpt-2": pre_tokenizers.ByteLevel(add_prefix_space=False),
    "smollm": pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    ),
    "llama-bpe": split(LLAMA3),
    "qwen2": split(LLAMA3.replace("{1,3}", "")),
}
TEXT = st.lists(
    st.sampled_from(
        ["1girl", "solo", " ", "  ", "\n", "\r\n", "it's", "IT'S", "12345", "1", "\u00e9", "\u732b",
         "\t", "\U0001f380", ",", "...", "^_^", " hair", "a", *SPECIAL[2:], "<|", "\u00bd",
         "\u00a0", "a\u0301"]
    ),
    min_size=1,
    max_size=20,
).map("".join)  # fmt: skip


def trained(words: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=words == "llama-bpe"))
    tokenizer.pre_tokenizer = WORDS[words]
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=500,
        special_tokens=[AddedToken(text, special=True, normalized=False) for text in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*TEXTS, "it's 12345 hats, ... a  b\n\nc"] * 3, trainer)
    return tokenizer


def vocabulary_of(tokenizer: Tokenizer, words: str, **extra: Any) -> Vocabulary:
    """Return the vocabulary that llama.cpp's converter takes from a tokenizer.json."""
    size = tokenizer.get_vocab_size()
    tokens = [str(tokenizer.id_to_token(id_)) for id_ in range(size)]
    merges = [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    types = [3 if token in SPECIAL else 1 for token in tokens]
    return Vocabulary("gpt2", tokens, types, merges=merges, extra={"pre": words, **extra})


def from_gguf(path: Path, config: LlamaConfig, vocabulary: Vocabulary) -> TextTokenizer:
    config = replace(config, vocab_size=len(vocabulary.tokens))
    write_gguf(path, config, random_state(config), vocabulary)
    return gguf_tokenizer(read_header(path))


@pytest.mark.parametrize("words", WORDS)
def test_ids_equal_those_of_the_models_own_tokenizer(
    tmp_path: Path, small_config: LlamaConfig, words: str
) -> None:
    theirs = trained(words)
    vocabulary = vocabulary_of(theirs, words, add_bos_token=False)
    ours = from_gguf(tmp_path / "model.gguf", small_config, vocabulary)

    @given(TEXT)
    def check(text: str) -> None:
        ids = theirs.encode(text).ids
        assert ours.encode(text) == ids
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)

    check()
    assert ours.vocab_size == theirs.get_vocab_size()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("gpt-2", ["1234", "\u0120,", "\u0120a"]), ("", ["123", "4", "\u0120", ",", "\u0120a"])],
)
def test_the_default_pre_tokenizer_is_that_of_llama_cpp(
    tmp_path: Path, small_config: LlamaConfig, words: str, wanted: list[str]
) -> None:
    merges = ["1 2", "12 3", "123 4", "\u0120 ,", "\u0120 a"]
    tokens = sorted({part for merge in merges for part in merge.split(" ")})
    tokens += [merge.replace(" ", "") for merge in merges if merge.replace(" ", "") not in tokens]
    extra = {"pre": words} if words else {}
    vocabulary = Vocabulary("gpt2", tokens, [1] * len(tokens), merges=merges, extra=extra)
    ours = from_gguf(tmp_path / "model.gguf", small_config, vocabulary)
    assert [tokens[id_] for id_ in ours.encode("1234 , a")] == wanted


@pytest.mark.parametrize(
    ("words", "extra", "begins", "ends"),
    [
        ("smollm", {}, False, False),
        ("smollm", {"add_bos_token": True}, True, False),
        ("smollm", {"add_bos_token": True, "add_eos_token": True}, True, True),
        ("llama-bpe", {}, True, False),
        ("llama-bpe", {"add_bos_token": False}, False, False),
    ],
)
def test_begin_and_end_tokens_come_from_the_file(
    tmp_path: Path,
    small_config: LlamaConfig,
    words: str,
    extra: dict[str, bool],
    begins: bool,
    ends: bool,
) -> None:
    theirs = trained(words)
    ours = from_gguf(tmp_path / "model.gguf", small_config, vocabulary_of(theirs, words, **extra))
    if begins or ends:
        around = [("<s>", 0)] * begins + [("</s>", 1)] * ends
        theirs.post_processor = processors.TemplateProcessing(
            single=["<s>"] * begins + ["$A"] + ["</s>"] * ends, special_tokens=around
        )
    assert ours.encode("tag: solo<|long|>") == theirs.encode("tag: solo<|long|>").ids
    assert ours.decode(ours.encode("tag: solo<|long|>")) == "tag: solo"


def test_user_defined_tokens_are_matched_and_kept(
    tmp_path: Path, small_config: LlamaConfig
) -> None:
    vocabulary = vocabulary_of(trained("gpt-2"), "gpt-2")
    kinds = [4 if token == "<|long|>" else kind
             for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True)]  # fmt: skip
    ours = from_gguf(tmp_path / "model.gguf", small_config, replace(vocabulary, kinds=kinds))
    assert ours.encode("<|long|>") == [2]
    assert ours.decode(ours.encode("a<|long|>b<|tag_to_long|>")) == "a<|long|>b"
