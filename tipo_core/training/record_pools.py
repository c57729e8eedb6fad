"""Training records as token ids, in pools that follow from the seed and the pool's number alone."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tokenizers import Tokenizer

from ..prompt.vocabulary.blocklist import blocklist_matches
from .records import Record, make_record
from .sample import Samples
from .tokenizer import EOS, token_id
from .workers import pieces

log = logging.getLogger("tipo-suite")


@dataclass(frozen=True)
class Entry:
    """The token ids of one record; with `masked` the loss skips the first `request` of them."""

    ids: list[int]
    request: int
    masked: bool


def encode(record: Record, tokenizer: Tokenizer, most: int) -> tuple[list[int], int]:
    """Return the ids of a record, at most `most`, and how many of them are the request's.

    Begin and end tokens are included. Request and answer are encoded as one text; a token counts to
    the request where it ends before the answer's first character.
    """
    encoded = tokenizer.encode(record.request + record.answer)
    ids = [*encoded.ids, token_id(tokenizer, EOS)][:most]
    border = len(record.request)
    request = sum(1 for start, end in encoded.offsets if end <= border)
    return ids, request


class RecordPools:
    """Pools of `size` records; every epoch shuffles the samples and words each of them anew.

    A record has at most `most` token ids; longer ones are cut.
    """

    def __init__(
        self, samples: Samples, tokenizer: Tokenizer, most: int, size: int, seed: int
    ) -> None:
        self.samples, self.tokenizer, self.most = samples, tokenizer, most
        self.size = min(size, len(samples))
        self.seed = seed
        self._order = lru_cache(maxsize=2)(self.order)

    def order(self, epoch: int) -> list[int]:
        """Return the sample numbers in the order of an epoch."""
        order = list(range(len(self.samples)))
        random.Random(f"epoch {self.seed} {epoch}").shuffle(order)
        return order

    def pool(self, number: int) -> list[Entry]:
        """Return pool `number`; a record with a blocked word is left out and logged."""
        rng = random.Random(f"records {self.seed} {number}")
        entries = []
        for place in range(number * self.size, (number + 1) * self.size):
            epoch, position = divmod(place, len(self.samples))
            record = make_record(self.samples[self._order(epoch)[position]], rng)
            if blocklist_matches(record.request + record.answer):
                log.info("left out: %s", record)
                continue
            ids, request = encode(record, self.tokenizer, self.most)
            entries.append(Entry(ids, request, record.masked))
        return entries

    def all(self, workers: int = 1) -> Iterator[list[Entry]]:
        """Yield pools 0, 1, 2, ... without end; `workers` processes make them."""
        arguments = (self.samples, self.tokenizer, self.most, self.size, self.seed)
        return pieces(_pools, arguments, workers)


def _pools(*arguments: Any) -> Callable[[int], list[Entry]]:
    return RecordPools(*arguments).pool
