"""Tokenizers of the two families of byte-pair encoding, built from their parts.

Both become a `tokenizers.Tokenizer`, which does the work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

from ...optional_imports import require

# What SentencePiece writes for a space.
_SPACE = "\u2581"

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA3, _QWEN2 = (_GPT4 % r"\p{N}{1,3}",), (_GPT4 % r"\p{N}",)
# How text is cut into words, by the names of `tokenizer.ggml.pre`: the expressions of the models'
# own tokenizer.json files, one behind the other. "default" is what llama.cpp does without a name.
_WORDS = {
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
# A word that is in the vocabulary is one token even where no merges lead to it.
WHOLE_WORDS = frozenset({"llama-bpe", "llama3", "llama-v3"})


class PieceKind(IntEnum):
    """What an entry of a vocabulary is, numbered as SentencePiece and GGUF do."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class SpacePrefix(Enum):
    """Where a space is put in front of text.

    EVERYWHERE is what `legacy` tokenizers and llama.cpp do: at the beginning and behind every
    added token.
    """

    EVERYWHERE = "everywhere"
    BEGINNING = "beginning"
    NOWHERE = "nowhere"


@dataclass(frozen=True)
class Pieces:
    """A vocabulary: texts in the order of their ids, what each is, and scores where it has any.

    `begin` and `end` are the ids that are put around every text, None for none.
    """

    texts: Sequence[str]
    kinds: Sequence[int]
    scores: Sequence[float] = ()
    begin: int | None = None
    end: int | None = None

    def __post_init__(self) -> None:
        if len(self.kinds) != len(self.texts) or len(self.scores) not in (0, len(self.texts)):
            raise ValueError(
                f"{len(self.texts)} tokens have {len(self.kinds)} types and {len(self.scores)} "
                "scores"
            )
        if len(set(self.texts)) != len(self.texts):
            double = Counter(self.texts).most_common(1)[0][0]
            raise ValueError(f"the token {double!r} is there twice")
        for id_ in (self.begin, self.end):
            if id_ is not None and not 0 <= id_ < len(self.texts):
                raise ValueError(f"{id_} is no id of {len(self.texts)} tokens")


def sentencepiece_bpe(pieces: Pieces, prefix: SpacePrefix) -> Any:
    """Return the tokenizer of a SentencePiece BPE model, without a normalisation of its own.

    SentencePiece merges the neighbours whose union has the highest score, the leftmost first
    (Kudo & Richardson 2018). As a list of merges that is every split of every piece, in the order
    of the scores; among equal ones the longer left part is first, which goes from left to right
    in a run of one character. Raises ValueError for a vocabulary that contradicts itself.
    """
    tokenizers = require("tokenizers")
    vocabulary = {text: id_ for id_, text in enumerate(pieces.texts)}
    has_unknown = PieceKind.UNKNOWN in pieces.kinds
    unknown = pieces.texts[pieces.kinds.index(PieceKind.UNKNOWN)] if has_unknown else None
    model = tokenizers.models.BPE(
        vocab=vocabulary,
        merges=_merges(pieces),
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=PieceKind.BYTE in pieces.kinds,
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
    return _finished(tokenizer, pieces)


def byte_level_bpe(pieces: Pieces, merges: Sequence[str], words: str) -> Any:
    """Return the tokenizer of a byte-level BPE (Radford et al. 2019).

    `merges` are pairs with a space between, `words` is a name of `tokenizer.ggml.pre`. Raises
    ValueError for a name that is not known and for merges outside the vocabulary.
    """
    if words not in _WORDS:
        raise ValueError(
            f"it cuts text in the way of {words!r}, which is not known here "
            f"({', '.join(_WORDS)} are)"
        )
    tokenizers = require("tokenizers")
    # The first character may be the space itself, as llama.cpp reads it.
    cuts = [merge.find(" ", 1) for merge in merges]
    pairs = [(merge[:at], merge[at + 1 :]) for merge, at in zip(merges, cuts, strict=True)]
    try:
        model = tokenizers.models.BPE(
            vocab={text: id_ for id_, text in enumerate(pieces.texts)},
            merges=pairs,
            ignore_merges=words in WHOLE_WORDS,
        )
    except Exception as error:  # the Rust side raises bare Exception
        raise ValueError(f"the merges do not fit the tokens ({error})") from error
    tokenizer = tokenizers.Tokenizer(model)
    split = tokenizers.pre_tokenizers
    tokenizer.pre_tokenizer = split.Sequence(
        [
            *(
                split.Split(tokenizers.Regex(expression), behavior="isolated")
                for expression in _WORDS[words]
            ),
            split.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    return _finished(tokenizer, pieces)


def _merges(pieces: Pieces) -> list[tuple[str, str]]:
    scores = pieces.scores or [0.0] * len(pieces.texts)
    normal = {
        text: score
        for text, kind, score in zip(pieces.texts, pieces.kinds, scores, strict=True)
        if kind == PieceKind.NORMAL
    }
    splits = [
        (score, at, text)
        for text, score in normal.items()
        for at in range(1, len(text))
        if text[:at] in normal and text[at:] in normal
    ]
    splits.sort(key=lambda split: split[:2], reverse=True)
    return [(text[:at], text[at:]) for _, at, text in splits]


def _finished(tokenizer: Any, pieces: Pieces) -> Any:
    """Add what is matched before everything else, and what is put around a text."""
    tokenizers = require("tokenizers")
    added = [
        tokenizers.AddedToken(text, special=kind != PieceKind.USER_DEFINED, normalized=False)
        for text, kind in zip(pieces.texts, pieces.kinds, strict=True)
        if kind in (PieceKind.CONTROL, PieceKind.UNKNOWN, PieceKind.USER_DEFINED) and text
    ]
    tokenizer.add_tokens([token for token in added if not token.special])
    tokenizer.add_special_tokens([token for token in added if token.special])
    around = [(pieces.texts[id_], id_) for id_ in (pieces.begin, pieces.end) if id_ is not None]
    if around:
        begin = [] if pieces.begin is None else [pieces.texts[pieces.begin]]
        end = [] if pieces.end is None else [pieces.texts[pieces.end]]
        tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
            single=[*begin, "$A", *end], special_tokens=list(dict.fromkeys(around))
        )
    return tokenizer
