"""CLIP's tokens of a prompt in ComfyUI's syntax, with embeddings that its tokenizer would lose."""

from __future__ import annotations

from typing import Any

import comfy.sd1_clip
import torch

from ....tipo_core.pictures.text.embedding_names import separated
from ....tipo_core.pictures.text.prompt_chunks import split_at_break
from ....tipo_core.pictures.text.unread_syntax import unread_notes
from .embedding_files import EmbeddingFiles


class ComfyTokenizer:
    """Tokenizes prompts with ComfyUI's tokenizers.

    `notes` collects embeddings that are left out, and words that look like syntax. `clip_keys` are
    the keys of CLIP's encoders.
    """

    def __init__(self, clip: Any, clip_keys: tuple[str, ...], files: EmbeddingFiles) -> None:
        self.notes: list[str] = []
        self._clip = clip
        self._keys = clip_keys
        self._files = files

    def parts(self, text: str, *, has_breaks: bool) -> list[dict[str, list[Any]]]:
        """Return the parts between BREAKs, each as chunks of (token or vector, weight, word id)."""
        texts = split_at_break(text) if has_breaks else [text]
        tokenized = [self.tokenized(part, return_word_ids=True) for part in texts]
        parts = [{key: list(found[key]) for key in self._keys} for found in tokenized]
        self._note_embeddings(text, parts)
        self.notes += unread_notes(_unweighted(text))
        return parts

    def tokenized(self, text: str, **options: Any) -> Any:
        """Return what ComfyUI's tokenizers give, with blanks around each embedding's name."""
        try:
            return self._clip.tokenize(separated(text, self._files.names), **options)
        except RecursionError:
            raise ValueError(
                "The prompt's brackets are nested too deeply for ComfyUI: remove some, or choose "
                "syntax A1111."
            ) from None

    def _note_embeddings(self, text: str, parts: list[dict[str, list[Any]]]) -> None:
        named = list(self._files.names.named_in(text, has_escapes=True))
        known = dict.fromkeys(found.name for found in named if found.is_known)
        for key in self._keys:
            entries = [entry for part in parts for chunk in part[key] for entry in chunk]
            vectors = [token for token, *_ in entries if torch.is_tensor(token)]
            if known and not all(torch.isfinite(vector).all() for vector in vectors):
                for name in known:
                    self._files.vectors(key, name)  # raises an error that names the file
            for found in named:
                if not found.is_written_as(text):
                    self.notes.append(found.words_note(text))
                elif not found.is_known:
                    self.notes.append(
                        f"{key}: embedding:{found.name} was not found and is left out"
                    )
                elif self._files.vectors(key, found.name) is None:
                    self.notes.append(
                        f"{key}: embedding:{found.name} cannot be loaded and is left out"
                    )


def _unweighted(text: str) -> list[str]:
    """Return the texts that remain when ComfyUI's tokenizer has taken the weights."""
    pieces = comfy.sd1_clip.token_weights(comfy.sd1_clip.escape_important(text), 1.0)
    return [piece.replace("\0\1", "\\)").replace("\0\2", "\\(") for piece, _ in pieces]
