"""The tokenizer that a GGUF file carries in its metadata."""

from __future__ import annotations

from ..tokenizers.bpe import (
    IGNORE_MERGES,
    SpacePrefix,
    TokenType,
    Vocabulary,
    byte_level_bpe,
    sentencepiece_bpe,
)
from ..tokenizers.text_tokenizer import TextTokenizer
from .gguf_header import GgufHeader

_KEY = "tokenizer.ggml."


def gguf_tokenizer(header: GgufHeader) -> TextTokenizer:
    """Return the tokenizer of a GGUF file.

    Missing settings have llama.cpp's defaults: a SentencePiece model starts each text with its
    begin token, id 1, and puts a space before text everywhere; a byte-level model does neither.
    Raises ValueError for a file without a tokenizer, of an unsupported kind, or with a damaged one.
    """
    model = header.get(f"{_KEY}model", str)
    texts = header.array(f"{_KEY}tokens", str)
    if model is None or not texts:
        raise ValueError(f"{header.path} has no tokenizer: choose a GGUF file with its vocabulary")
    if model not in ("llama", "gpt2"):
        raise ValueError(
            f"{header.path} has a tokenizer of the kind {model!r}; 'llama' (SentencePiece BPE) and "
            "'gpt2' (byte-level BPE) are supported: choose a TIPO model such as TIPO-500M"
        )
    is_sentencepiece = model == "llama"
    pre_tokenizer = header.get(f"{_KEY}pre", str, "default")
    adds_begin = is_sentencepiece or pre_tokenizer in IGNORE_MERGES
    begin = header.get(f"{_KEY}bos_token_id", int, 1 if is_sentencepiece else None)
    end = header.get(f"{_KEY}eos_token_id", int, 2 if is_sentencepiece else None)
    begin = begin if header.get(f"{_KEY}add_bos_token", bool, adds_begin) else None
    end = end if header.get(f"{_KEY}add_eos_token", bool, False) else None
    types = header.array(f"{_KEY}token_type", int) or (TokenType.NORMAL,) * len(texts)
    has_prefix = header.get(f"{_KEY}add_space_prefix", bool, True)
    scores = header.array(f"{_KEY}scores", float, int)
    merges = header.array(f"{_KEY}merges", str)
    try:
        if is_sentencepiece:
            if not scores:
                raise ValueError("the tokens have no scores")
            prefix = SpacePrefix.EVERYWHERE if has_prefix else SpacePrefix.NOWHERE
            vocabulary = Vocabulary(texts, types, scores, begin, end)
            return TextTokenizer(sentencepiece_bpe(vocabulary, prefix))
        if not merges:
            raise ValueError("the tokens have no merges")
        vocabulary = Vocabulary(texts, types, (), begin, end)
        return TextTokenizer(byte_level_bpe(vocabulary, merges, pre_tokenizer))
    except ValueError as error:
        raise ValueError(
            f"the tokenizer of {header.path} cannot be used: {error}. Choose another file of "
            "the model."
        ) from error
