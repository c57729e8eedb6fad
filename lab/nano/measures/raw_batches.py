"""Very many raw answers at once, for figures that need tens of thousands of them.

Rows with prompts of one length are decoded together, without padding, in a few large matrix
products per step. All rows share one stream of random numbers, so an answer depends on its batch;
the library's own engine (`lm/generate`) does not have this limit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch
from torch.nn import functional

from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.generate.token_sampling import candidates, draw
from tipo_core.lm.model.config import LlamaConfig
from tipo_core.lm.model.kv_cache import causal_attention, rotary_tables
from tipo_core.lm.model.llama import Llama
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer

_ROWS = 384  # answers generated together
# Ended rows are dropped where they are at least this share of all rows.
_IDLE = 0.3


class RowsInStep:
    """Keys and values of `rows` texts of one length; the `AttentionContext` of the last tokens."""

    def __init__(self, config: LlamaConfig, rows: int, capacity: int, dtype: torch.dtype) -> None:
        shape = (rows, config.num_key_value_heads, capacity, config.head_dim)
        self._layers = [
            (torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype))
            for _ in range(config.num_hidden_layers)
        ]
        self._tables = rotary_tables(config, capacity, torch.device("cpu"), dtype)
        self._rows = rows
        self._begin = self._end = 0
        self.cos_sin = self._tables

    def add(self, tokens: int) -> None:
        """Start the pass of the next `tokens` of every row."""
        self._begin, self._end = self._end, self._end + tokens
        cos, sin = (table[self._begin : self._end] for table in self._tables)
        self.cos_sin = cos.repeat(self._rows, 1, 1), sin.repeat(self._rows, 1, 1)

    def keep(self, rows: torch.Tensor) -> None:
        """Drop all but `rows`."""
        self._layers = [(keys[rows], values[rows]) for keys, values in self._layers]
        self._rows = len(rows)

    def attend(
        self, layer: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Attend causally within each row."""
        queries, keys, values = (
            one.unflatten(0, (self._rows, -1)).transpose(1, 2) for one in (queries, keys, values)
        )
        all_keys, all_values = self._layers[layer]
        all_keys[:, :, self._begin : self._end] = keys
        all_values[:, :, self._begin : self._end] = values
        seen = all_keys[:, :, : self._end], all_values[:, :, : self._end]
        if self._end - self._begin == 1:
            # The query heads of one key head become rows of its attention.
            grouped = queries.flatten(1, 2).unflatten(1, (keys.shape[1], -1))
            mixed = functional.scaled_dot_product_attention(grouped, *seen)
            return mixed.flatten(1, 2)
        return causal_attention(queries, *seen, before=self._begin).transpose(1, 2).flatten(0, 1)


def raw_texts(
    model: Llama,
    tokenizer: TextTokenizer,
    prompts: Sequence[str],
    options: SamplingOptions,
    seed: int,
) -> Iterator[str]:
    """Yield one answer per prompt, in any order, of at most `options.max_new_tokens`."""
    generator = torch.Generator().manual_seed(seed)
    by_length: dict[int, list[list[int]]] = defaultdict(list)
    for text in prompts:
        prompt = tokenizer.encode(text)
        by_length[len(prompt)].append(prompt)
    with torch.inference_mode():
        for rows in by_length.values():
            for first in range(0, len(rows), _ROWS):
                some = rows[first : first + _ROWS]
                for prompt, ids in zip(some, _answer(model, some, options, generator), strict=True):
                    yield tokenizer.decode_after(prompt, ids)


def _answer(
    model: Llama,
    prompts: Sequence[Sequence[int]],
    options: SamplingOptions,
    generator: torch.Generator,
) -> list[list[int]]:
    """Return the new ids of each prompt; all prompts have as many ids."""
    length = len(prompts[0])
    most = min(options.max_new_tokens, model.config.max_position_embeddings - length)
    dtype = model.embedding.weight.dtype
    rows = RowsInStep(model.config, len(prompts), length + most, dtype)
    seen = torch.tensor(prompts)
    answers: list[list[int]] = [[] for _ in prompts]
    places = torch.arange(len(prompts))
    ends = torch.tensor(model.config.eos_token_ids)
    new = seen
    for _ in range(most):
        # 1) forward the new tokens, and sample the next token of each row
        rows.add(new.shape[1])
        hidden = model(new.flatten(), rows).unflatten(0, new.shape)[:, -1]
        uniform = torch.rand(len(places), dtype=torch.float64, generator=generator)
        drawn = draw(candidates(model.logits(hidden), options, seen=seen), uniform)
        # 2) append it, except in rows that have ended
        has_ended = torch.isin(drawn, ends)
        drawn = torch.where(has_ended, ends[0], drawn)
        for place, token, ended in zip(
            places.tolist(), drawn.tolist(), has_ended.tolist(), strict=True
        ):
            if not ended and place >= 0:
                answers[place].append(token)
        places = torch.where(has_ended, -1, places)
        new = drawn[:, None]
        seen = torch.cat((seen, new), dim=1)
        # 3) drop ended rows
        open_rows = (places >= 0).nonzero().flatten()
        if not len(open_rows):
            break
        if len(open_rows) < (1 - _IDLE) * len(places):
            rows.keep(open_rows)
            seen, new, places = seen[open_rows], new[open_rows], places[open_rows]
    return answers
