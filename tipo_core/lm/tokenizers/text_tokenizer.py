"""Text to token ids and back, with the tokenizer of a model's own files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from ...optional_imports import require
from .sentencepiece import sentencepiece_tokenizer

Source = TypeVar("Source")
Result = TypeVar("Result")
# A blank as it is, in a byte-level vocabulary, and in one of SentencePiece.
_WORD_STARTS = (" ", "\u0120", "\u2581")
# A letter or digit, also as a byte of one in a byte-level vocabulary, or the end of ``cat's``.
_INNER = re.compile(r"(?:(?![\u0120\u010a\u0109\u010d])[^\W_]|['\u2019_-][^\W_])")
_BYTE = re.compile("<0x[0-7][0-9A-F]>")
_MAX_REASON = 200  # characters of an error of `tokenizers`


def _as_text(piece: str) -> str:
    """Return a piece of a vocabulary, with a byte token of SentencePiece as its character."""
    return chr(int(piece[3:5], 16)) if _BYTE.fullmatch(piece) else piece


class TextTokenizer:
    """The tokenizer of one model.

    All settings that affect the ids (special tokens, the begin token, the normalizer) come from the
    model's files. `tokenizer` is a `tokenizers.Tokenizer`.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._derived: tuple[object, Any] | None = None
        # Settings of training, which a file may carry: they would cut or pad a prompt.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        if getattr(tokenizer.model, "byte_fallback", False) and tokenizer.decoder is not None:
            # Consecutive byte tokens are decoded together, and invalid as a whole if the last
            # character is incomplete. A newline must not become invalid with the emoji after it.
            decoders = require("tokenizers").decoders
            newline = decoders.Replace("<0x0A>", "\n")
            tokenizer.decoder = decoders.Sequence([newline, tokenizer.decoder])

    @classmethod
    def read(cls, path: Path) -> TextTokenizer:
        """Return the tokenizer in `path`: a `tokenizer.json`, or a SentencePiece `.model`.

        Raises FileNotFoundError for a missing file, ValueError for a damaged or unsupported one,
        RuntimeError if the package `tokenizers` is missing.
        """
        tokenizers = require("tokenizers")
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing: put the model's tokenizer.json into that folder"
            )
        if path.suffix == ".model":
            return cls(sentencepiece_tokenizer(path))
        try:
            return cls(tokenizers.Tokenizer.from_file(str(path)))
        except Exception as error:  # the Rust side raises bare Exception for every bad file
            reason = str(error)[:_MAX_REASON]  # it may quote the whole file
            raise ValueError(f"{path} is not a tokenizer ({reason}): download it again") from error

    @cached_property
    def vocab_size(self) -> int:
        """The number of ids, added tokens included; ids without a token count too."""
        return 1 + max(self._tokenizer.get_vocab().values(), default=-1)

    @cached_property
    def newline_ids(self) -> tuple[int, ...]:
        """The ids whose text contains a newline, without special tokens."""
        pieces = self._tokenizer.get_vocab()
        # A newline as it is, in a byte-level vocabulary, and as a byte token of SentencePiece.
        marks = ("\n", "\u010a", "<0x0A>")
        candidates = sorted(
            n for piece, n in pieces.items() if any(mark in piece for mark in marks)
        )
        return tuple(n for n in candidates if "\n" in self.decode([n]))

    @cached_property
    def comma_ids(self) -> frozenset[int]:
        """The ids whose text ends with a comma."""
        return frozenset(n for piece, n in self._tokenizer.get_vocab().items() if piece[-1:] == ",")

    @cached_property
    def inner_ids(self) -> tuple[int, ...]:
        """The ids whose text continues a word: it begins with a letter or a digit.

        Empty for a vocabulary that marks no blank before a word.
        """
        pieces = self._tokenizer.get_vocab()
        if not any(piece.startswith(_WORD_STARTS) for piece in pieces):
            return ()
        return tuple(sorted(n for piece, n in pieces.items() if _INNER.match(_as_text(piece))))

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, with the begin token if the model uses one.

        A lone surrogate, which no UTF-8 text can hold, is read as a question mark.
        """
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, as `encode` does."""
        valid = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        # Unlike `encode`, a batch lets other threads run, such as one that waits for a cancel.
        return [list(one.ids) for one in self._tokenizer.encode_batch(valid)]

    def derived(self, source: Source, make: Callable[[TextTokenizer, Source], Result]) -> Result:
        """Return `make(self, source)`; the last result is kept as long as `source` is the same."""
        kept = self._derived
        if kept is None or kept[0] is not source:
            kept = self._derived = (source, make(self, source))
        result: Result = kept[1]
        return result

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids` without special tokens."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def decode_after(self, prompt: Sequence[int], ids: Sequence[int]) -> str:
        """Return the text that `ids` add after `prompt`.

        They are decoded together with the last prompt ids, because a SentencePiece decoder drops
        the space of the first piece.
        """
        head = list(prompt[-4:])
        return self.decode([*head, *ids])[len(self.decode(head)) :]
