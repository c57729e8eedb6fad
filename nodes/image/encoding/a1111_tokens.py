"""CLIP's tokens of a prompt, read and divided into chunks as the A1111 web UI does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch

from ....tipo_core.pictures.text.a1111_attention import Segment, read_attention
from ....tipo_core.pictures.text.a1111_chunks import Entry, Run, chunked
from ....tipo_core.pictures.text.unread_syntax import (
    bare_weights,
    bare_weights_note,
    network_notes,
    without_extra_networks,
    words_note,
)
from .embedding_files import EmbeddingFiles

Chunks = list[list[Entry]]


class A1111Tokenizer:
    """Tokenizes prompts for the CLIP encoders of one model.

    An embedding is inserted where the name of its file stands in the prompt, with or without
    `embedding:`, if its vectors fit all encoders; otherwise the name is words. `widths` are the
    sizes of the encoders' vectors. `notes` collects parts that are left out, and words that look
    like syntax.
    """

    def __init__(
        self, tokenizers: Mapping[str, Any], widths: Mapping[str, int], files: EmbeddingFiles
    ) -> None:
        self.notes: list[str] = []
        self._tokenizers = tokenizers
        self._widths = widths
        self._files = files
        self._bare_names: dict[str, _BareNames] = {}
        self._fitting: dict[str, bool] = {}

    def parts(self, text: str, *, has_breaks: bool) -> list[dict[str, Chunks]]:
        """Return the parts between BREAKs, each as chunks of (token or vector, weight, word id)."""
        text, tags = without_extra_networks(text)
        segments, unpaired, broken = read_attention(text, has_breaks=has_breaks)
        self.notes += network_notes(tags, "left out")
        parts: list[list[Segment]] = [[]]
        for segment in segments:
            if has_breaks and segment.is_break:
                parts.append([])
            else:
                parts[-1].append(segment)
        self.notes += [
            bare_weights_note(weight for s in segments for weight in bare_weights(s.text)),
            words_note(
                unpaired, "it closes a bracket that is not open; write \\) or \\] for the character"
            ),
            words_note(broken, "A1111 does not read BREAK inside brackets: close them before it"),
        ]
        found = [{key: self._chunks(key, part) for key in self._tokenizers} for part in parts]
        # As in A1111, an empty part is a chunk without text, except at the end.
        is_empty = not any(word for c in found[-1].values() for chunk in c for _, _, word in chunk)
        return found[:-1] if is_empty and len(found) > 1 else found

    def _chunks(self, key: str, segments: Iterable[Segment]) -> Chunks:
        tokenizer = self._tokenizers[key]
        runs = (run for segment in segments for run in self._runs(key, segment))
        comma = next(iter(_ids(tokenizer, ",")), None)
        return [
            _with_ends(tokenizer, chunk) for chunk in chunked(runs, tokenizer.max_length - 2, comma)
        ]

    def _runs(self, key: str, segment: Segment) -> Iterator[Run]:
        text, weight = segment
        done = 0
        for found in self._files.names.named_in(text, has_escapes=False):
            if not found.is_known or not found.is_written_as(text):
                self.notes.append(found.words_note(text))
            elif self._fits(found.name):
                yield from self._bare_runs(key, text[done : found.start], weight)
                yield self._embedding(key, found.name, weight)
                done = found.end
        yield from self._bare_runs(key, text[done:], weight)

    def _bare_runs(self, key: str, text: str, weight: float) -> Iterator[Run]:
        """The runs of a text without `embedding:`, in which names of files are embeddings."""
        tokenizer = self._tokenizers[key]
        tokens = _ids(tokenizer, text)
        if key not in self._bare_names:
            self._bare_names[key] = _BareNames(self._files.by_bare_name, tokenizer)
        done = place = 0
        while place < len(tokens):
            path, length = self._bare_names[key].at(tokens, place)
            if not length or not self._fits(path):
                place += 1
                continue
            if done < place:
                yield Run(tokens[done:place], weight)
            yield self._embedding(key, path, weight)
            done = place = place + length
        if done < len(tokens):
            yield Run(tokens[done:], weight)

    def _embedding(self, key: str, name: str, weight: float) -> Run:
        vectors: Any = self._files.vectors(key, name)
        return Run(list(vectors), weight, is_embedding=True)

    def _fits(self, name: str) -> bool:
        """Whether the vectors of an embedding have the width of each encoder."""
        if name not in self._fitting:
            unfit = [key for key in self._tokenizers if not self._has_width(key, name)]
            if unfit:
                keys = ", ".join(unfit)
                self.notes.append(f"{keys}: embedding {name} does not fit and is read as words")
            self._fitting[name] = not unfit
        return self._fitting[name]

    def _has_width(self, key: str, name: str) -> bool:
        vectors = self._files.vectors(key, name)
        return torch.is_tensor(vectors) and vectors.shape[-1] == self._widths[key]


class _BareNames:
    """The tokens of embeddings' names; the longest name that matches is the one meant."""

    def __init__(self, paths: Mapping[str, str], tokenizer: Any) -> None:
        self._by_first: dict[int, list[tuple[list[int], str]]] = {}
        for name, path in paths.items():
            tokens = _ids(tokenizer, name)
            if tokens:
                self._by_first.setdefault(tokens[0], []).append((tokens, path))
        for names in self._by_first.values():
            names.sort(key=lambda named: len(named[0]), reverse=True)

    def at(self, tokens: Sequence[int], place: int) -> tuple[str, int]:
        """Return the path of the embedding whose name begins at `place`, and the name's length.

        The length is 0 where no name begins.
        """
        for name, path in self._by_first.get(tokens[place], ()):
            if tokens[place : place + len(name)] == name:
                return path, len(name)
        return "", 0


def _ids(tokenizer: Any, text: str) -> list[int]:
    """Return the tokens of a text without start and end, as ComfyUI's SDTokenizer makes them."""
    end = -1 if tokenizer.tokenizer_adds_end_token else None
    return list(tokenizer.tokenizer(text)["input_ids"][tokenizer.tokens_start : end])


def _with_ends(tokenizer: Any, chunk: list[Entry]) -> list[Entry]:
    """Return a chunk with start, end and padding."""
    framed = [(tokenizer.start_token, 1.0, 0), *chunk, (tokenizer.end_token, 1.0, 0)]
    return framed + [(tokenizer.pad_token, 1.0, 0)] * (tokenizer.max_length - len(framed))
