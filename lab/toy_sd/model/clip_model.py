"""CLIP-L's text encoder and its tokenizer, as ComfyUI runs them for SD1.x, for training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from torch.nn import functional

from .text_tower import HEADS, LAYERS, POSITIONS, PREFIX

START, END = 49406, 49407
# Contractions, words, single digits, and runs of other characters.
_PIECES = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def clip_tokenizer(folder: Path) -> Tokenizer:
    """Return CLIP's tokenizer from a folder with `vocab.json` and `merges.txt`."""
    files = [folder / name for name in ("vocab.json", "merges.txt")]
    for path in files:
        if not path.is_file():
            raise FileNotFoundError(
                f"there is no {path}: give a folder with CLIP's vocab.json and merges.txt, "
                "such as comfy/sd1_tokenizer of a ComfyUI"
            )
    vocabulary, merges = models.BPE.read_file(*map(str, files))
    tokenizer = Tokenizer(
        models.BPE(
            vocabulary, merges, unk_token="<|endoftext|>",
            continuing_subword_prefix="", end_of_word_suffix="</w>",
        )
    )  # fmt: skip
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def tokens_of(texts: Sequence[str], tokenizer: Tokenizer) -> torch.Tensor:
    """Return token ids `B, 77`: start, text, and the end token up to the end.

    Raises ValueError for a text of more than 75 tokens, which ComfyUI would split into chunks.
    """
    rows = torch.full((len(texts), POSITIONS), END)
    rows[:, 0] = START
    for row, text in zip(rows, texts, strict=True):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        if len(ids) > POSITIONS - 2:
            raise ValueError(f"{text!r} has {len(ids)} tokens, more than {POSITIONS - 2}")
        row[1 : len(ids) + 1] = torch.tensor(ids, dtype=torch.long)
    return rows


def fit(text: str, tokenizer: Tokenizer) -> str:
    """Return a text cut after its last word that fits into 75 tokens."""
    words = text.split(" ")
    while len(tokenizer.encode(" ".join(words), add_special_tokens=False).ids) > POSITIONS - 2:
        words.pop()
    return " ".join(words)


def encode(
    weights: Mapping[str, torch.Tensor], tokens: torch.Tensor, skip: int = 1
) -> torch.Tensor:
    """Return the last hidden states, normed, `B, T, 768` for token ids `B, T`.

    `weights` have the names of an SD1.x checkpoint and one dtype. With `skip` 2 the last layer is
    left out, as with clip skip 2. Attention is causal; padding is attended like any token.
    """

    def linear(x: torch.Tensor, key: str) -> torch.Tensor:
        weight, bias = (weights[f"{PREFIX}{key}.{part}"] for part in ("weight", "bias"))
        return functional.linear(x, weight, bias)

    def norm(x: torch.Tensor, key: str) -> torch.Tensor:
        weight, bias = (weights[f"{PREFIX}{key}.{part}"] for part in ("weight", "bias"))
        return functional.layer_norm(x, (x.shape[-1],), weight, bias)

    def heads(x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)

    x = weights[f"{PREFIX}embeddings.token_embedding.weight"][tokens]
    x = x + weights[f"{PREFIX}embeddings.position_embedding.weight"][: tokens.shape[1]]
    for layer in range(LAYERS + 1 - skip):
        key = f"encoder.layers.{layer}"
        y = norm(x, f"{key}.layer_norm1")
        q, k, v = (heads(linear(y, f"{key}.self_attn.{name}_proj")) for name in "qkv")
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + linear(y.transpose(1, 2).flatten(2), f"{key}.self_attn.out_proj")
        y = linear(norm(x, f"{key}.layer_norm2"), f"{key}.mlp.fc1")
        x = x + linear(y * torch.sigmoid(1.702 * y), f"{key}.mlp.fc2")
    return norm(x, "final_layer_norm")
