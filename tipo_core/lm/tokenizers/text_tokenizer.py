"""Text to token ids and back, with the tokenizer of a model's own files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ...optional_imports import require
from .sentencepiece import sentencepiece_tokenizer

_MAX_REASON = 200  # characters of an error of `tokenizers`


class TextTokenizer:
    """The tokenizer of one model.

    All settings that affect the ids (special tokens, the begin token, the normalizer) come from the
    model's files. `tokenizer` is a `tokenizers.Tokenizer`.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
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

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, with the begin token if the model uses one.

        A lone surrogate, which no UTF-8 text can hold, is read as a question mark.
        """
        text = text.encode("utf-8", "replace").decode("utf-8")
        # Unlike `encode`, a batch lets other threads run, such as one that waits for a cancel.
        return list(self._tokenizer.encode_batch([text])[0].ids)

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
