"""A prompt's tokens in chunks, and a CLIP value with another interpretation of weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Any

import comfy.clip_model
import comfy.sd1_clip
import comfy.sdxl_clip
import torch

from ...tipo_core.pictures.text.encode_report import Chunk, EncoderChunks
from ...tipo_core.pictures.text.prompt_chunks import split_at_break
from ...tipo_core.pictures.text.token_weights import Pairs, WordTokens, embedding, normalized
from ..memory import check_interrupt

# ComfyUI's keys for the tokens of CLIP-L, CLIP-G and SD2's CLIP-H; other keys are not CLIP.
CLIP_KEYS = ("l", "g", "h")
_EMBEDDING = re.compile(r"(?<!\w)[Ee]mbedding:[^\s,:()\[\]{}<>|]+")
# Number of tokens shown on each side of a border between chunks.
_SHOWN = 6


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
    other clones share, is not changed. Its tokens carry word ids.
    """

    def __init__(self, model: Any, interpretation: str, normalization: str) -> None:
        self.model = model
        self.interpretation = interpretation
        self.normalization = normalization

    def set_clip_options(self, options: dict[str, Any]) -> None:
        """Set the layer; ComfyUI's CLIP value calls this before it encodes."""
        self.model.set_clip_options(options)

    def reset_clip_options(self) -> None:
        """Reset the layer to the model's own."""
        self.model.reset_clip_options()

    def encode_token_weights(self, tokens: Mapping[str, WordTokens]) -> tuple[torch.Tensor, Any]:
        """Return the conditioning (1, chunks * 77, D) and the pooled output of the last encoder."""
        encoded = [
            self._encoded(encoder, tokens[key])
            for key, encoder in clip_encoders(self.model).items()
        ]
        length = min(cond.shape[1] for cond, _ in encoded)
        return torch.cat([cond[:, :length] for cond, _ in encoded], dim=-1), encoded[-1][1]

    def _encoded(self, encoder: Any, prompt: WordTokens) -> tuple[torch.Tensor, Any]:
        pooled = []

        def encode(chunks: Pairs) -> torch.Tensor:
            check_interrupt()
            cond, first_pooled = encoder.encode_token_weights(chunks)[:2]
            pooled.append(first_pooled)
            result: torch.Tensor = cond
            return result

        cond = embedding(normalized(prompt, self.normalization), self.interpretation, encode)
        # The first pass encodes the prompt itself; its first chunk gives the pooled output.
        return cond, pooled[0]


def weighted(clip: Any, interpretation: str, normalization: str) -> Any:
    """Return a clone of a CLIP value that interprets weights; it takes tokens with word ids."""
    clip = clip.clone()
    clip.cond_stage_model = WeightedTextModel(clip.cond_stage_model, interpretation, normalization)
    return clip


@dataclass(frozen=True)
class PromptTokens:
    """A prompt's tokens by encoder, as ComfyUI's tokenizers give them.

    `of_clip` holds chunks of (token, weight, word id) of the CLIP encoders, `others` the unchanged
    result of the other tokenizers, and `others_with_words` the same with word ids, for counting.
    """

    of_clip: dict[str, list[Any]]
    others: Any
    others_with_words: dict[str, Any]

    @property
    def for_core(self) -> Any:
        """The tokens in the form of core's encoders: (token, weight)."""
        if not self.of_clip:
            return self.others
        return {
            key: [[entry[:2] for entry in chunk] for chunk in chunks]
            for key, chunks in self.of_clip.items()
        } | self.others


def prompt_tokens(
    clip: Any, text: str, text_g: str, text_t5: str, *, has_breaks: bool
) -> PromptTokens:
    """Return the tokens of a prompt: `text` for CLIP, `text_g` for CLIP-G, `text_t5` for others.

    With `has_breaks` a BREAK begins a new chunk of CLIP's; other encoders read it as a word. If
    texts fill different numbers of chunks, empty chunks are added, so that corresponding parts of
    the texts are at the same position in each encoder.
    """
    parts, parts_g = (split_at_break(t) if has_breaks else [t] for t in (text, text_g))
    must_fill = len(parts) > 1 or text != text_g
    first = clip.tokenize(parts[0], return_word_ids=True)
    if not isinstance(first, Mapping):  # a tokenizer of another pack
        return PromptTokens({}, clip.tokenize(text_t5), {})
    of_clip: dict[str, list[Any]] = {key: [] for key in first if key in CLIP_KEYS}
    words = dict.fromkeys(of_clip, 0)
    for number, (part, part_g) in enumerate(zip_longest(parts, parts_g, fillvalue="")):
        of_part = clip.tokenize(part, return_word_ids=True) if number else first
        of_g = of_part if part == part_g else clip.tokenize(part_g, return_word_ids=True)
        chunks = {key: list((of_g if key == "g" else of_part)[key]) for key in of_clip}
        if must_fill:
            _fill_up(clip, chunks)
        for key, added in chunks.items():
            # Word ids continue from part to part.
            numbered = [[(t, w, i + words[key] if i else 0) for t, w, i in c] for c in added]
            words[key] = max((i for chunk in numbered for _, _, i in chunk), default=words[key])
            of_clip[key] += numbered
    others = [key for key in first if key not in of_clip]
    if not others:
        return PromptTokens(of_clip, {}, {})
    plain, with_words = clip.tokenize(text_t5), clip.tokenize(text_t5, return_word_ids=True)
    return PromptTokens(
        of_clip, {key: plain[key] for key in others}, {key: with_words[key] for key in others}
    )


def _fill_up(clip: Any, chunks: dict[str, list[Any]]) -> None:
    """Add empty chunks to each encoder that has fewer than another."""
    most = max(map(len, chunks.values()), default=0)
    for key, of_encoder in chunks.items():
        if len(of_encoder) < most:
            empty = clip.tokenize("", return_word_ids=True)[key]
            of_encoder += empty * (most - len(of_encoder))


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


def left_out(clip: Any, texts: Sequence[str], tokens: PromptTokens) -> list[str]:
    """Return a note per part that the encoders do not read: cut chunks, embeddings.

    `texts` are those of CLIP-L, CLIP-G and the other encoders.
    """
    notes = []
    counts = {key: len(chunks) for key, chunks in tokens.of_clip.items()}
    least = min(counts.values(), default=0)
    # Core cuts all encoders to the same number of chunks.
    notes += [
        f"{k}: chunks after chunk {least} are cut off" for k, n in counts.items() if n > least
    ]
    encoders = clip_encoders(clip.cond_stage_model)
    for key, chunks in tokens.of_clip.items():
        vectors = {word: t for chunk in chunks for t, _, word in chunk if torch.is_tensor(t)}
        named = _EMBEDDING.findall(texts[1 if key == "g" else 0])
        if len(vectors) < len(named):
            missing = [name for name in dict.fromkeys(named) if not _is_embedding(clip, key, name)]
            notes += [f"{key}: {name} was not found and is left out" for name in missing]
            if not missing:
                notes.append(f"{key}: an embedding without a space before it is read as words")
        if key not in encoders:
            continue
        width = encoders[key].transformer.get_input_embeddings().weight.shape[1]
        wrong = {vector.shape[-1] for vector in vectors.values()} - {width}
        notes += [
            f"{key}: embeddings of {w} values are left out, the encoder reads {width}"
            for w in wrong
        ]
    return notes


def _is_embedding(clip: Any, key: str, name: str) -> bool:
    chunks = clip.tokenize(name, return_word_ids=True)[key]
    return any(torch.is_tensor(token) for chunk in chunks for token, _, _ in chunk)


def _decoded(tokenizer: Any, tokens: Sequence[Any]) -> str:
    """Return CLIP's tokens as text (lower case), with "(embedding)" for an embedding."""
    pieces = []
    for is_text, run in groupby(tokens, key=lambda token: isinstance(token, int)):
        decoded = tokenizer.decode(list(run)).strip() if is_text else "(embedding)"
        pieces.append(decoded.replace(" ,", ","))
    return " ".join(pieces)
