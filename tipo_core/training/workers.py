"""Numbered pieces of work, done by several processes ahead of their use."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import count
from typing import Any, TypeVar

Piece = TypeVar("Piece")


def pieces(
    start: Callable[..., Callable[[int], Piece]], given: tuple[Any, ...], workers: int
) -> Iterator[Piece]:
    """Yield piece 0, 1, 2, ... without end, made by what `start(*given)` returns.

    `workers` above 1 are processes, each of which starts once. A piece must follow from its number
    alone: then how many there are changes nothing.
    """
    if workers <= 1:
        yield from map(start(*given), count())
        return
    with ProcessPoolExecutor(workers, initializer=_start, initargs=(start, given)) as executor:
        numbers = count()
        ahead: deque[Future[Piece]] = deque()
        try:
            while True:
                while len(ahead) <= 2 * workers:
                    ahead.append(executor.submit(_piece, next(numbers)))
                yield ahead.popleft().result()
        finally:
            executor.shutdown(cancel_futures=True)


# What makes the pieces, in a process of its own.
_maker: list[Callable[[int], Any]] = []


def _start(start: Callable[..., Callable[[int], Any]], given: tuple[Any, ...]) -> None:
    _maker[:] = [start(*given)]


def _piece(number: int) -> Any:
    return _maker[0](number)
