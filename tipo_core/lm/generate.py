"""The decode loop: token ids in, token ids out, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from .kv_cache import KVCache
from .llama import Llama
from .sampling import SamplingOptions, draw, token_distribution


def generate(
    model: Llama,
    prompts: Sequence[Sequence[int]],
    options: SamplingOptions,
    generators: Sequence[torch.Generator],
    *,
    device: torch.device,
    dtype: torch.dtype,
    min_new_tokens: int = 0,
    cache: KVCache | None = None,
) -> Iterator[list[int]]:
    """Yield the next id of each stream, end tokens included, until all streams have ended.

    `prompts` are of equal length, one generator goes with each. A stream that has ended goes on
    yielding an end token. All stop at `options.max_new_tokens` or at the model's context; no end
    token is drawn before `min_new_tokens` ids. A `cache` of the caller's holds the first tokens
    of the prompts already, all but one at most; an id is in it from the next one on.
    """
    length = len(prompts[0])
    assert all(len(prompt) == length for prompt in prompts), "prompts differ in length"
    capacity = min(model.config.max_position_embeddings, length + options.max_new_tokens)
    if length >= capacity:
        return
    ends = torch.tensor(model.config.eos_token_ids, device=device, dtype=torch.long)
    # 1) prefill: what the cache does not hold of the prompts in one pass
    tokens = torch.tensor([list(prompt) for prompt in prompts], device=device)
    seen = torch.zeros(len(prompts), model.config.vocab_size, device=device, dtype=torch.bool)
    seen.scatter_(1, tokens, True)
    if cache is None:
        cache = KVCache(model.config, len(prompts), capacity, device, dtype)
    cache.reserve(capacity)
    hidden = model.model(tokens[:, cache.length :], cache)
    ended = torch.zeros(len(prompts), device=device, dtype=torch.bool)
    for count in range(capacity - length):
        # 2) draw from the scores of the last position
        logits = model.logits(hidden[:, -1])
        if count < min_new_tokens:
            logits[:, ends] = -torch.inf
        drawn = draw(token_distribution(logits, seen, options), generators)
        if len(ends):
            drawn = torch.where(ended, ends[0], drawn)
            ended |= torch.isin(drawn, ends)
        yield drawn.tolist()
        if bool(ended.all()) or count + 1 == capacity - length:
            return
        # 3) one token a stream through the model, the rest comes from the cache
        seen.scatter_(1, drawn[:, None], True)
        hidden = model.model(drawn[:, None], cache)
