"""Prompts of many chunks, read and encoded piece by piece, so that a cancel is heard.

Core reads a text in one call and encodes all its chunks in one batch. For a text of a megabyte both
take minutes, and the batch takes tens of gigabytes.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from ...memory import check_interrupt
from .prompt_tokens import CLIP_KEYS

# Up to this many chunks are one batch, as in core: a batch of another size may differ in the last
# bits of a result.
_ONE_BATCH = 32
# Chunks of a batch on a device; a CPU takes up to seconds for each.
_BATCH = 8
# Characters that are tokenized at once.
_PIECE = 1 << 14
_BLANK = re.compile(r"\s")


class PiecewiseTokenizer:
    """A CLIP tokenizer that reads a long text piece by piece, with the same token ids.

    The pieces end at blanks, which no token of CLIP's contains. All other attributes are those of
    `tokenizer`. `begin` and `end` are the numbers of ids that it puts around a text.
    """

    def __init__(self, tokenizer: Any, begin: int, end: int) -> None:
        self._tokenizer = tokenizer
        self._begin = begin
        self._end = end

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._tokenizer, name)

    def __call__(self, text: str, *args: Any, **options: Any) -> Any:
        check_interrupt()
        if len(text) <= _PIECE:
            return self._tokenizer(text, *args, **options)
        empty = list(self._tokenizer("", *args, **options)["input_ids"])
        ids = empty[: self._begin]
        for piece in pieces(text):
            check_interrupt()
            found = list(self._tokenizer(piece, *args, **options)["input_ids"])
            ids += found[self._begin : len(found) - self._end]
        return {"input_ids": ids + empty[len(empty) - self._end :]}


def pieces(text: str) -> Iterator[str]:
    """Yield the parts of a text, of about `_PIECE` characters, that end at a blank."""
    begin = 0
    while begin < len(text):
        blank = _BLANK.search(text, begin + _PIECE)
        end = blank.end() if blank else len(text)
        yield text[begin:end]
        begin = end


def with_piecewise_tokenizers(clip: Any) -> Any:
    """Return a clone of a CLIP value whose CLIP tokenizers are `PiecewiseTokenizer`s.

    The tokenizers that other clones share are not changed.
    """
    clip = clip.clone()
    clip.tokenizer = copy.copy(clip.tokenizer)
    for key in CLIP_KEYS:
        of_encoder = getattr(clip.tokenizer, f"clip_{key}", None)
        if of_encoder is None or not hasattr(of_encoder, "tokens_start"):
            continue
        of_encoder = copy.copy(of_encoder)
        of_encoder.tokenizer = PiecewiseTokenizer(
            of_encoder.tokenizer, of_encoder.tokens_start, int(of_encoder.tokenizer_adds_end_token)
        )
        setattr(clip.tokenizer, f"clip_{key}", of_encoder)
    return clip


def is_long(text: str) -> bool:
    """Whether a text is read piece by piece."""
    return len(text) > _PIECE


def has_many_chunks(of_clip: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a prompt has more chunks than one batch."""
    return any(len(chunks) > _ONE_BATCH for chunks in of_clip.values())


def encode_batches(encoder: Any, chunks: Sequence[Any]) -> tuple[torch.Tensor, Any]:
    """Return an encoder's output (1, chunks * 77, D) and the pooled output of the first chunk.

    Of core's `encode_token_weights`; many chunks are several batches.
    """
    is_cpu = encoder.transformer.get_input_embeddings().weight.device.type == "cpu"
    size = len(chunks) if len(chunks) <= _ONE_BATCH else 1 if is_cpu else _BATCH
    conds, pooled = [], None
    for start in range(0, max(1, len(chunks)), max(1, size)):
        check_interrupt()
        cond, of_batch = encoder.encode_token_weights(chunks[start : start + size])[:2]
        conds.append(cond)
        pooled = of_batch if start == 0 else pooled
    return conds[0] if len(conds) == 1 else torch.cat(conds, dim=1), pooled
