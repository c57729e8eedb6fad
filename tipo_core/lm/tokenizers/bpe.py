"""Build `tokenizers.Tokenizer` objects from vocabularies of SentencePiece and byte-level BPE.

The package `tokenizers` encodes and decodes. The construction is our own because that of
`transformers` takes seconds to import and needs `sentencepiece` and `protobuf`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

from ...optional_imports import require

# The character that SentencePiece uses for a space.
_SPACE = "\u2581"

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA3, _QWEN2 = (_GPT4 % r"\p{N}{1,3}",), (_GPT4 % r"\p{N}",)
# The regular expressions that split text into words, by the names of `tokenizer.ggml.pre`; they are
# applied in order. They come from the models' own tokenizer.json files, "default" from llama.cpp.
_PRE_TOKENIZERS = {
    "gpt-2": (_GPT2,),
    "smollm": (r"\p{N}", _GPT2),
    "starcoder": (r"\p{N}", _GPT2),
    "refact": (r"\p{N}", _GPT2),
    "command-r": (r"\p{N}", _GPT2),
    "llama-bpe": _LLAMA3,
    "llama3": _LLAMA3,
    "llama-v3": _LLAMA3,
    "qwen2": _QWEN2,
    "default": (r"[\p{P}\$\+<=>\^~\|]+", _GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"),
}
# Pre-tokenizers of models in which a word of the vocabulary is one token even if no merges form it.
IGNORE_MERGES = frozenset({"llama-bpe", "llama3", "llama-v3"})


class TokenType(IntEnum):
    """The type of a vocabulary entry, with the numbers of SentencePiece and GGUF."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class SpacePrefix(Enum):
    """Where the tokenizer puts a space before text.

    EVERYWHERE is at the beginning and after every added token, as `legacy` tokenizers and llama.cpp
    do.
    """

    EVERYWHERE = "everywhere"
    BEGINNING = "beginning"
    NOWHERE = "nowhere"


@dataclass(frozen=True)
class Vocabulary:
    """The texts of all ids in order, their types, and their scores if they have any.

    `begin` and `end` are the ids added before and after every text, None for none. Raises
    ValueError for lists of different lengths, a duplicate text and an id out of range.
    """

    texts: Sequence[str]
    types: Sequence[int]
    scores: Sequence[float] = ()
    begin: int | None = None
    end: int | None = None

    def __post_init__(self) -> None:
        if len(self.types) != len(self.texts) or len(self.scores) not in (0, len(self.texts)):
            raise ValueError(
                f"{len(self.texts)} tokens have {len(self.types)} types and {len(self.scores)} "
                "scores, the numbers must be equal"
            )
        if len(set(self.texts)) != len(self.texts):
            duplicate = Counter(self.texts).most_common(1)[0][0]
            raise ValueError(f"the token {duplicate!r} appears twice")
        for id_ in (self.begin, self.end):
            if id_ is not None and not 0 <= id_ < len(self.texts):
                raise ValueError(f"the id {id_} is out of range for {len(self.texts)} tokens")


def sentencepiece_bpe(vocabulary: Vocabulary, prefix: SpacePrefix) -> Any:
    """Return the `tokenizers.Tokenizer` of a SentencePiece BPE model without normalization.

    SentencePiece merges the adjacent pieces whose union has the highest score, the leftmost first
    (Kudo & Richardson 2018). As a list of merges this is every split of every piece, by descending
    score; of equal scores the longer left part comes first, so that a run of one character is
    merged from left to right.
    """
    tokenizers = require("tokenizers")
    ids = {text: id_ for id_, text in enumerate(vocabulary.texts)}
    has_unknown = TokenType.UNKNOWN in vocabulary.types
    unknown = vocabulary.texts[vocabulary.types.index(TokenType.UNKNOWN)] if has_unknown else None
    model = tokenizers.models.BPE(
        vocab=ids,
        merges=_merges(vocabulary),
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=TokenType.BYTE in vocabulary.types,
    )
    tokenizer = tokenizers.Tokenizer(model)
    normalizers, decoders = tokenizers.normalizers, tokenizers.decoders
    spaces = normalizers.Replace(" ", _SPACE)
    if prefix is SpacePrefix.EVERYWHERE:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(_SPACE), spaces])
    elif prefix is SpacePrefix.BEGINNING:
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(
            replacement=_SPACE, prepend_scheme="first", split=False
        )
    else:
        tokenizer.normalizer = spaces
    steps = [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    if prefix is not SpacePrefix.NOWHERE:
        steps.append(decoders.Strip(" ", 1, 0))
    tokenizer.decoder = decoders.Sequence(steps)
    return _with_special_tokens(tokenizer, vocabulary)


def byte_level_bpe(vocabulary: Vocabulary, merges: Sequence[str], pre_tokenizer: str) -> Any:
    """Return the `tokenizers.Tokenizer` of a byte-level BPE (Radford et al. 2019).

    `merges` are pairs joined by a space, `pre_tokenizer` is a name of `tokenizer.ggml.pre`. Raises
    ValueError for an unknown name and for merges outside the vocabulary.
    """
    if pre_tokenizer not in _PRE_TOKENIZERS:
        raise ValueError(
            f"its pre-tokenizer {pre_tokenizer!r} is not supported; supported are "
            f"{', '.join(_PRE_TOKENIZERS)}"
        )
    tokenizers = require("tokenizers")
    # The search starts at 1, as in llama.cpp, because the first character may be a space itself.
    spaces = [merge.find(" ", 1) for merge in merges]
    pairs = [(merge[:at], merge[at + 1 :]) for merge, at in zip(merges, spaces, strict=True)]
    try:
        model = tokenizers.models.BPE(
            vocab={text: id_ for id_, text in enumerate(vocabulary.texts)},
            merges=pairs,
            ignore_merges=pre_tokenizer in IGNORE_MERGES,
        )
    except Exception as error:  # the Rust side raises bare Exception
        raise ValueError(f"the merges do not fit the tokens ({error})") from error
    tokenizer = tokenizers.Tokenizer(model)
    split = tokenizers.pre_tokenizers
    tokenizer.pre_tokenizer = split.Sequence(
        [
            *(
                split.Split(tokenizers.Regex(expression), behavior="isolated")
                for expression in _PRE_TOKENIZERS[pre_tokenizer]
            ),
            split.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    return _with_special_tokens(tokenizer, vocabulary)


def _merges(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Return all splits of normal pieces into two of them, by descending score."""
    scores = vocabulary.scores or [0.0] * len(vocabulary.texts)
    normal = {
        text: score
        for text, kind, score in zip(vocabulary.texts, vocabulary.types, scores, strict=True)
        if kind == TokenType.NORMAL
    }
    splits = [
        (score, at, text)
        for text, score in normal.items()
        for at in range(1, len(text))
        if text[:at] in normal and text[at:] in normal
    ]
    splits.sort(key=lambda split: split[:2], reverse=True)
    return [(text[:at], text[at:]) for _, at, text in splits]


def _with_special_tokens(tokenizer: Any, vocabulary: Vocabulary) -> Any:
    """Add the added tokens, which are matched first, and the begin and end tokens; return it."""
    tokenizers = require("tokenizers")
    added = [
        tokenizers.AddedToken(text, special=kind != TokenType.USER_DEFINED, normalized=False)
        for text, kind in zip(vocabulary.texts, vocabulary.types, strict=True)
        if kind in (TokenType.CONTROL, TokenType.UNKNOWN, TokenType.USER_DEFINED) and text
    ]
    tokenizer.add_tokens([token for token in added if not token.special])
    tokenizer.add_special_tokens([token for token in added if token.special])
    around = [
        (vocabulary.texts[id_], id_)
        for id_ in (vocabulary.begin, vocabulary.end)
        if id_ is not None
    ]
    if around:
        begin = [] if vocabulary.begin is None else [vocabulary.texts[vocabulary.begin]]
        end = [] if vocabulary.end is None else [vocabulary.texts[vocabulary.end]]
        tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
            single=[*begin, "$A", *end], special_tokens=list(dict.fromkeys(around))
        )
    return tokenizer
