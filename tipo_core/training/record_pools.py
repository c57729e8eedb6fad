"""Training records as token ids, made in pools: each follows from the seed and its number alone."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tokenizers import Tokenizer

from lab.nano.data.samples import Sample

from ..prompt.vocabulary.blocklist import blocklist_matches
from .records import Record, make_record
from .tokenizer import EOS, token_id
from .workers import pieces

log = logging.getLogger("tipo-suite")


@dataclass(frozen=True)
class Entry:
    """The ids of a record; with `masked` the first `request` of them are not learned."""

    ids: list[int]
    request: int
    masked: bool


def encode(record: Record, tokenizer: Tokenizer, most: int) -> tuple[list[int], int]:
    """Return the ids of a record, begin and end tokens included, and how many are the request's.

    At most `most` ids are kept. Text and answer are encoded as one: the border falls where the
    answer's first piece starts.
    """
    encoded = tokenizer.encode(record.request + record.answer)
    ids = [*encoded.ids, token_id(tokenizer, EOS)][:most]
    border = len(record.request)
    request = sum(1 for start, end in encoded.offsets if end <= border)
    return ids, request


class RecordPools:
    """Makes pools of `size` records: the samples in a new order in every epoch, each worded anew.

    Ids beyond `most` a record are cut off.
    """

    def __init__(
        self, samples: Sequence[Sample], tokenizer: Tokenizer, most: int, size: int, seed: int
    ) -> None:
        self.samples, self.tokenizer, self.most = samples, tokenizer, most
        self.size = min(size, len(samples))
        self.seed = seed
        self._order = lru_cache(maxsize=2)(self.order)

    def order(self, number: int) -> list[int]:
        """Return the places of the samples in the order of an epoch."""
        order = list(range(len(self.samples)))
        random.Random(f"epoch {self.seed} {number}").shuffle(order)
        return order

    def pool(self, number: int) -> list[Entry]:
        """Return a pool; a record with a blocked word is left out and logged."""
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
        """Yield all pools, without end, made by so many processes."""
        given = (self.samples, self.tokenizer, self.most, self.size, self.seed)
        return pieces(_pools, given, workers)


def _pools(*given: Any) -> Callable[[int], list[Entry]]:
    return RecordPools(*given).pool
