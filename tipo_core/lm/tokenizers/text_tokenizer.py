"""Text to token ids and back, as a model's own files say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ...optional_imports import require
from .sentencepiece import sentencepiece_tokenizer


class TextTokenizer:
    """The tokenizer of one model.

    Everything that decides the ids (special tokens, the begin token, the normaliser) comes from
    the model's files; nothing is assumed here. `tokenizer` is a `tokenizers.Tokenizer`.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        if getattr(tokenizer.model, "byte_fallback", False) and tokenizer.decoder is not None:
            # A run of byte tokens is decoded as a whole or not at all: without this the first byte
            # of an emoji would take back the line end before it.
            decoders = require("tokenizers").decoders
            line_end = decoders.Replace("<0x0A>", "\n")
            tokenizer.decoder = decoders.Sequence([line_end, tokenizer.decoder])

    @classmethod
    def read(cls, path: Path) -> TextTokenizer:
        """Return the tokenizer in `path`: a `tokenizer.json`, or a SentencePiece `.model`.

        Raises FileNotFoundError for a missing file, ValueError for a damaged or foreign one, and
        RuntimeError where the package `tokenizers` is missing.
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
            raise ValueError(f"{path} is no tokenizer ({error}): download it again") from error

    @property
    def size(self) -> int:
        """How many ids there are, added tokens included."""
        return int(self._tokenizer.get_vocab_size())

    @cached_property
    def line_ends(self) -> tuple[int, ...]:
        """The ids, special tokens left out, whose text has an end of a line in it."""
        pieces = self._tokenizer.get_vocab()
        # As it is, as a byte-level vocabulary writes it, and as a byte of SentencePiece.
        marks = ("\n", "\u010a", "<0x0A>")
        some = sorted(n for piece, n in pieces.items() if any(mark in piece for mark in marks))
        return tuple(n for n in some if "\n" in self.decode([n]))

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, with the begin token where the model has one."""
        return list(self._tokenizer.encode(text).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids` without special tokens."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def decode_after(self, prompt: Sequence[int], ids: Sequence[int]) -> str:
        """Return the text that `ids` add behind `prompt`.

        Decoded together with the last prompt ids, because a SentencePiece decoder drops the
        space of a first piece.
        """
        head = list(prompt[-4:])
        return self.decode([*head, *ids])[len(self.decode(head)) :]
