"""A prompt's tokens for all encoders of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from ....tipo_core.pictures.text.token_weights import MAX_WEIGHT, finite_weight
from .a1111_tokens import A1111Tokenizer
from .comfy_tokens import ComfyTokenizer
from .embedding_files import EmbeddingFiles

# ComfyUI's keys for the tokens of CLIP-L, CLIP-G and SD2's CLIP-H; other keys are not CLIP.
CLIP_KEYS = ("l", "g", "h")


@dataclass(frozen=True)
class PromptTokens:
    """A prompt's tokens by encoder, as ComfyUI's tokenizers give them.

    `of_clip` holds chunks of (token, weight, word id) of the CLIP encoders, `others` the result of
    the other tokenizers, and `others_with_words` the same with word ids, for counting. `notes` name
    parts that the encoders do not read, or read as words.
    """

    of_clip: dict[str, list[Any]]
    others: Any
    others_with_words: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def for_core(self) -> Any:
        """The tokens in the form of core's encoders: (token, weight)."""
        if not self.of_clip:
            return self.others
        return {
            key: [[entry[:2] for entry in chunk] for chunk in chunks]
            for key, chunks in self.of_clip.items()
        } | self.others


class PromptTokenizer:
    """Tokenizes prompts for all encoders of a CLIP value.

    With `is_a1111` CLIP's tokens are those of A1111; other encoders always read ComfyUI's syntax.
    With `has_breaks` a BREAK begins a new chunk of CLIP's; other encoders read it as a word.
    `widths` are the sizes of the vectors of CLIP's encoders, where known.
    """

    def __init__(
        self, clip: Any, widths: Mapping[str, int], *, is_a1111: bool, has_breaks: bool
    ) -> None:
        self._clip = clip
        self._has_breaks = has_breaks
        empty = clip.tokenize("", return_word_ids=True)
        # A tokenizer of another pack may return something else.
        self._empty: Mapping[str, Any] = empty if isinstance(empty, Mapping) else {}
        keys = tuple(key for key in self._empty if key in CLIP_KEYS)
        tokenizers = {key: getattr(clip.tokenizer, f"clip_{key}") for key in keys}
        files = EmbeddingFiles(tokenizers)
        self._comfy = ComfyTokenizer(clip, keys, files)
        self._of_clip: A1111Tokenizer | ComfyTokenizer = self._comfy
        if is_a1111:
            sizes = {key: one.embedding_size for key, one in tokenizers.items()}
            self._of_clip = A1111Tokenizer(tokenizers, {**sizes, **widths}, files)

    def tokens(self, text: str, text_g: str, text_t5: str) -> PromptTokens:
        """Return the tokens of `text` for CLIP, `text_g` for CLIP-G and `text_t5` for others.

        If texts fill different numbers of chunks, empty chunks are added, so that corresponding
        parts of the texts are at the same position in each encoder.
        """
        if not self._empty:
            return PromptTokens({}, self._clip.tokenize(text_t5), {})
        self._of_clip.notes.clear()
        of_clip = self._clip_chunks(text, text_g)
        notes = [note for note in dict.fromkeys(self._of_clip.notes) if note]
        others = [key for key in self._empty if key not in of_clip]
        plain: dict[str, Any] = {}
        with_words: dict[str, Any] = {}
        if others:
            plain = self._comfy.tokenized(text_t5)
            with_words = self._comfy.tokenized(text_t5, return_word_ids=True)
        tokens = {key: _finite(plain[key]) for key in others}
        changed = any(tokens[key] is not plain[key] for key in others)
        finite = {key: _finite(chunks) for key, chunks in of_clip.items()}
        if changed or any(finite[key] is not chunks for key, chunks in of_clip.items()):
            notes.append(f"weights stay within {MAX_WEIGHT:g}, and a weight of nan is 1")
        return PromptTokens(finite, tokens, {key: with_words[key] for key in others}, tuple(notes))

    def _clip_chunks(self, text: str, text_g: str) -> dict[str, list[Any]]:
        of_clip: dict[str, list[Any]] = {key: [] for key in self._empty if key in CLIP_KEYS}
        if not of_clip:
            return of_clip
        parts = self._of_clip.parts(text, has_breaks=self._has_breaks)
        parts_g = parts
        if text != text_g and "g" in of_clip:
            parts_g = self._of_clip.parts(text_g, has_breaks=self._has_breaks)
        must_fill = len(parts) > 1 or parts is not parts_g
        words = dict.fromkeys(of_clip, 0)
        for part, part_g in zip_longest(parts, parts_g, fillvalue=self._empty):
            chunks = {key: list((part_g if key == "g" else part)[key]) for key in of_clip}
            if must_fill:
                self._fill_up(chunks)
            for key, added in chunks.items():
                # Word ids continue from part to part.
                numbered = [[(t, w, i + words[key] if i else 0) for t, w, i in c] for c in added]
                words[key] = max((i for c in numbered for _, _, i in c), default=words[key])
                of_clip[key] += numbered
        return of_clip

    def _fill_up(self, chunks: dict[str, list[Any]]) -> None:
        """Add empty chunks to each encoder that has fewer than another."""
        most = max(map(len, chunks.values()), default=0)
        for key, of_encoder in chunks.items():
            of_encoder += list(self._empty[key]) * (most - len(of_encoder))


def _finite(chunks: Any) -> Any:
    """Return chunks whose weights stay within MAX_WEIGHT; the same object if they do already."""
    try:
        if all(finite_weight(entry[1]) == entry[1] for chunk in chunks for entry in chunk):
            return chunks
        return [[(e[0], finite_weight(e[1]), *e[2:]) for e in chunk] for chunk in chunks]
    except (TypeError, IndexError):  # tokens in another form, which have no weights
        return chunks
