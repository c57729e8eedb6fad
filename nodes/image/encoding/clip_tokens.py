"""A CLIP value with another interpretation of weights, and its chunks for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import comfy.clip_model
import comfy.sd1_clip
import comfy.sdxl_clip
import torch

from ....tipo_core.pictures.text.encode_report import Chunk, EncoderChunks, weights_line
from ....tipo_core.pictures.text.token_weights import (
    COMFY,
    LEAST_MEAN,
    Pairs,
    WordTokens,
    embedding,
    normalized,
)
from .long_prompts import encode_batches
from .prompt_tokens import PromptTokens

# Number of tokens shown on each side of a border between chunks.
_SHOWN = 6
_SHOWN_WORD = 12  # tokens of a weighted text


def clip_encoders(model: Any) -> dict[str, Any]:
    """Return the CLIP encoders of a text model, by key, if they alone make its output.

    These are SD1.x, SD2.x, SDXL, its refiner and Stable Cascade. The result is empty for other
    models, which combine CLIP with other encoders or have none (SD3, Flux, ...).
    """
    if isinstance(model, comfy.sdxl_clip.SDXLClipModel):
        return {"l": model.clip_l, "g": model.clip_g}
    if isinstance(model, comfy.sd1_clip.SD1ClipModel):
        encoder = getattr(model, model.clip)
        is_clip = isinstance(encoder, comfy.sd1_clip.SDClipModel) and isinstance(
            encoder.transformer, comfy.clip_model.CLIPTextModel
        )
        return {model.clip_name: encoder} if is_clip else {}
    return {}


class WeightedTextModel:
    """A CLIP text model that normalises and interprets the weights of its tokens.

    It replaces `cond_stage_model` in a clone of ComfyUI's CLIP value; the wrapped model, which
    other clones share, is not changed. Its tokens carry word ids. `notes` are those of the last
    encode.
    """

    def __init__(self, model: Any, interpretation: str, normalization: str) -> None:
        self.model = model
        self.interpretation = interpretation
        self.normalization = normalization
        self.notes: list[str] = []

    def set_clip_options(self, options: dict[str, Any]) -> None:
        """Set the layer; ComfyUI's CLIP value calls this before it encodes."""
        self.model.set_clip_options(options)

    def reset_clip_options(self) -> None:
        """Reset the layer to the model's own."""
        self.model.reset_clip_options()

    def encode_token_weights(self, tokens: Mapping[str, WordTokens]) -> tuple[torch.Tensor, Any]:
        """Return the conditioning (1, chunks * 77, D) and the pooled output of the last encoder."""
        self.notes.clear()
        encoded = [
            self._encoded(key, encoder, tokens[key])
            for key, encoder in clip_encoders(self.model).items()
        ]
        length = min(cond.shape[1] for cond, _ in encoded)
        return torch.cat([cond[:, :length] for cond, _ in encoded], dim=-1), encoded[-1][1]

    def _encoded(self, key: str, encoder: Any, prompt: WordTokens) -> tuple[torch.Tensor, Any]:
        pooled = []

        def encode(chunks: Pairs) -> torch.Tensor:
            cond, first_pooled = encode_batches(encoder, chunks)
            pooled.append(first_pooled)
            return cond

        unscaled: list[int] = []
        weighted_prompt = normalized(prompt, self.normalization)
        cond = embedding(weighted_prompt, self.interpretation, encode, unscaled)
        if unscaled:
            numbers = ", ".join(map(str, unscaled))
            self.notes.append(
                f"{key}: A1111 also restores the mean of each chunk that weights change; not done "
                f"for chunk {numbers}, because the mean is so near 0 (below {LEAST_MEAN:g} of the "
                "RMS) that the result would be random"
            )
        # The first pass encodes the prompt itself; its first chunk gives the pooled output.
        return cond, pooled[0]


class LongTextModel(WeightedTextModel):
    """A CLIP text model with core's weights that encodes many chunks in several batches."""

    def __init__(self, model: Any) -> None:
        super().__init__(model, COMFY, "none")

    def _encoded(self, key: str, encoder: Any, prompt: Any) -> tuple[torch.Tensor, Any]:
        return encode_batches(encoder, prompt)


def in_batches(clip: Any) -> Any:
    """Return a clone of a CLIP value that encodes many chunks in several batches, with core's
    weights; it takes tokens in core's form.
    """
    clip = clip.clone()
    clip.cond_stage_model = LongTextModel(clip.cond_stage_model)
    return clip


def weighted(clip: Any, interpretation: str, normalization: str) -> Any:
    """Return a clone of a CLIP value that interprets weights; it takes tokens with word ids."""
    clip = clip.clone()
    clip.cond_stage_model = WeightedTextModel(clip.cond_stage_model, interpretation, normalization)
    return clip


def read_chunks(clip: Any, tokens: PromptTokens) -> list[EncoderChunks]:
    """Return the token counts and border texts of each encoder's chunks."""
    found = []
    for key, chunks in tokens.of_clip.items():
        tokenizer = getattr(clip.tokenizer, f"clip_{key}").tokenizer
        of_text = [[token for token, _, word in chunk if word] for chunk in chunks]
        shown = [
            Chunk(len(t), _decoded(tokenizer, t[:_SHOWN]), _decoded(tokenizer, t[-_SHOWN:]))
            for t in of_text
        ]
        found.append(EncoderChunks(key, tuple(shown)))
    for key, chunks in tokens.others_with_words.items():
        # Lyrics, for example, have no word ids.
        if all(len(entry) == 3 for chunk in chunks for entry in chunk):
            counts = [sum(entry[2] != 0 for entry in chunk) for chunk in chunks]
            found.append(EncoderChunks(key, tuple(map(Chunk, counts))))
    return found


def weights_note(clip: Any, tokens: PromptTokens) -> list[str]:
    """Return a note on the words whose weight is not 1, as the first CLIP encoder reads them."""
    found: list[tuple[str, float]] = []
    for key, chunks in list(tokens.of_clip.items())[:1]:
        tokenizer = getattr(clip.tokenizer, f"clip_{key}").tokenizer
        for chunk in chunks:
            for (word, weight), entries in groupby(chunk, key=lambda entry: (entry[2], entry[1])):
                if word and weight != 1:
                    shown = [token for token, *_ in entries][:_SHOWN_WORD]
                    found.append((_decoded(tokenizer, shown), weight))
    return [weights_line(found)] if found else []


def left_out(clip: Any, tokens: PromptTokens) -> list[str]:
    """Return a note per part that the encoders do not read: cut chunks, unfit embeddings."""
    counts = {key: len(chunks) for key, chunks in tokens.of_clip.items()}
    least = min(counts.values(), default=0)
    # Core cuts all encoders to the same number of chunks.
    notes = [f"{k}: chunks after chunk {least} are cut off" for k, n in counts.items() if n > least]
    for key, width in vector_widths(clip).items():
        entries = [entry for chunk in tokens.of_clip[key] for entry in chunk]
        wrong = {token.shape[-1] for token, *_ in entries if torch.is_tensor(token)} - {width}
        notes += [
            f"{key}: embeddings of {w} values are left out, the encoder reads {width}"
            for w in sorted(wrong)
        ]
    return notes


def vector_widths(clip: Any) -> dict[str, int]:
    """Return the size of the vectors of each of `clip_encoders`, by key."""
    return {
        key: encoder.transformer.get_input_embeddings().weight.shape[1]
        for key, encoder in clip_encoders(clip.cond_stage_model).items()
    }


def _decoded(tokenizer: Any, tokens: Sequence[Any]) -> str:
    """Return CLIP's tokens as text (lower case), with "(embedding)" for an embedding."""
    pieces = []
    for is_text, run in groupby(tokens, key=lambda token: isinstance(token, int)):
        decoded = tokenizer.decode(list(run)).strip() if is_text else "(embedding)"
        pieces.append(decoded.replace(" ,", ","))
    return " ".join(pieces)
