"""Numbered pieces of work, made by several processes ahead of their use."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import count
from typing import Any, TypeVar

Piece = TypeVar("Piece")


def pieces(
    start: Callable[..., Callable[[int], Piece]], arguments: tuple[Any, ...], workers: int
) -> Iterator[Piece]:
    """Yield pieces 0, 1, 2, ... without end, from the function that `start(*arguments)` returns.

    With `workers` above 1, that many processes call `start` once each. A piece must depend on its
    number alone, so that the number of processes does not change the result.
    """
    if workers <= 1:
        yield from map(start(*arguments), count())
        return
    with ProcessPoolExecutor(workers, initializer=_start, initargs=(start, arguments)) as executor:
        numbers = count()
        ahead: deque[Future[Piece]] = deque()
        try:
            while True:
                while len(ahead) <= 2 * workers:
                    ahead.append(executor.submit(_piece, next(numbers)))
                yield ahead.popleft().result()
        finally:
            executor.shutdown(cancel_futures=True)


# In a worker process: the function that makes the pieces. ProcessPoolExecutor's initializer has no
# other way to hand it to the calls that follow.
_maker: list[Callable[[int], Any]] = []


def _start(start: Callable[..., Callable[[int], Any]], arguments: tuple[Any, ...]) -> None:
    _maker[:] = [start(*arguments)]


def _piece(number: int) -> Any:
    return _maker[0](number)
