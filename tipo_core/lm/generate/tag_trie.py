"""Make whole tags likelier or less likely while a model writes them token by token.

A trie over token ids holds the vocabulary of tags, each with the comma that ends it. A node stands
for all tags below it: its value is the logarithm of the mean factor `exp(nats)` of these tags,
weighted by their shares. A token gets the value of the node that it leads to, less the value of the
node before it. So the terms of a whole tag add up to the tag's own nats, and the model's first
token already looks ahead to the tags that can follow. A token that leaves the trie takes the terms
so far back: a tag outside the vocabulary gets nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from ..tokenizers.text_tokenizer import TextTokenizer

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
# A tag that must not be drawn gets this many nats: finite, so that sums of it are numbers.
NEVER = -60.0


class TagTrie:
    """The token ids of a vocabulary of tags in plain words, with their shares, above 0."""

    def __init__(self, tokenizer: TextTokenizer, vocabulary: Mapping[str, float]) -> None:
        tags = list(vocabulary)
        # A tag follows a comma and ends with one, as in a tag line.
        head = len(tokenizer.encode("tag: a,"))
        paths = {
            tuple(ids[head:]): place
            for place, ids in enumerate(tokenizer.encode_many([f"tag: a, {tag}," for tag in tags]))
        }
        # In the order of the paths, the tags below a node are neighbours.
        ordered = sorted(paths)
        self._order = np.array([paths[path] for path in ordered], dtype=np.int64)
        self._shares = np.array(list(vocabulary.values()))[self._order]
        # Each node: its first tag, the one after its last, and its children by token id.
        first, last = [0], [len(ordered)]
        self._children: list[dict[int, int]] = [{}]
        for place, path in enumerate(ordered):
            node = 0
            for token in path:
                child = self._children[node].get(token)
                if child is None:
                    child = self._children[node][token] = len(self._children)
                    self._children.append({})
                    first.append(place)
                    last.append(place)
                node = child
                last[node] = place + 1
        self._first = np.array(first, dtype=np.int64)
        self._last = np.array(last, dtype=np.int64)
        self._roots = _arrays(self._children[0])
        # A comma may be one token with the closing parenthesis before it.
        self.comma_ids = tokenizer.comma_ids

    def values(self, nats: Floats) -> Floats:
        """Return the value of each node for the nats of each tag, in the vocabulary's order."""
        factors = self._shares * np.exp(np.maximum(nats[self._order], NEVER))
        sums, shares = (np.concatenate(([0.0], one.cumsum())) for one in (factors, self._shares))
        tiny = np.exp(NEVER)
        below = np.maximum(sums[self._last] - sums[self._first], 0.0)
        values = np.log(np.maximum(below / (shares[self._last] - shares[self._first]), tiny))
        values[0] = 0.0  # no tag has begun
        return values

    def children(self, node: int) -> tuple[Integers, Integers]:
        """Return the token ids that continue a node, and the nodes to which they lead."""
        return self._roots if not node else _arrays(self._children[node])

    def child(self, node: int, token: int) -> int | None:
        """Return the node to which a token leads; None outside the trie."""
        return self._children[node].get(token)


def _arrays(children: dict[int, int]) -> tuple[Integers, Integers]:
    count = len(children)
    return (
        np.fromiter(children.keys(), np.int64, count),
        np.fromiter(children.values(), np.int64, count),
    )


class TokenBias:
    """The terms of the next token of one text.

    `nats` is called at each start of a tag and returns the nats of each tag of the trie. A token of
    `end_ids`, which ends the line, ends a tag as its comma does.
    """

    def __init__(
        self, trie: TagTrie, nats: Callable[[], Iterable[float]], end_ids: Collection[int]
    ) -> None:
        self._trie = trie
        self._nats = nats
        self._ends = np.array(sorted(end_ids), dtype=np.int64)
        self._node: int | None = 0
        self._values: Floats | None = None

    def append(self, token: int) -> None:
        """Take a token that was drawn."""
        if token in self._trie.comma_ids:
            self._node, self._values = 0, None
        elif self._node is not None:
            self._node = self._trie.child(self._node, token)

    def terms(self, size: int) -> torch.Tensor | None:
        """Return the term of each of `size` ids, fp32 on the CPU, in nats; None if all are 0."""
        if self._node is None:
            return None
        if self._values is None:
            self._values = self._trie.values(np.fromiter(self._nats(), dtype=np.float64))
        here = self._values[self._node]
        terms = np.full(size, -here)
        tokens, nodes = self._trie.children(self._node)
        terms[tokens] = self._values[nodes] - here
        if self._node:
            ends = [n for t, n in zip(tokens, nodes, strict=True) if int(t) in self._trie.comma_ids]
            if ends:
                terms[self._ends] = self._values[ends[0]] - here
        return torch.from_numpy(terms.astype(np.float32))
