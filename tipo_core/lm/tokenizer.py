"""Text to token ids and back, from a model's own `tokenizer.json`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


class TextTokenizer:
    """The tokenizer of one model.

    Everything that decides the ids (special tokens, the begin token, the normaliser) comes from
    the file; nothing is assumed here.
    """

    def __init__(self, path: Path) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise RuntimeError(
                "the package 'tokenizers' is missing: install it into the Python that runs "
                "ComfyUI with `python -m pip install tokenizers`"
            ) from error
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing: put the model's tokenizer.json into that folder"
            )
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(path))
        except Exception as error:  # the Rust side raises bare Exception for every bad file
            raise ValueError(f"{path} is no tokenizer ({error}): download it again") from error

    @property
    def size(self) -> int:
        """How many ids there are, added tokens included."""
        return int(self._tokenizer.get_vocab_size())

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
