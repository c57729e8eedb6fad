"""Retries where a device runs out of memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

Attempt = TypeVar("Attempt")
T = TypeVar("T")
_log = logging.getLogger("tipo-suite")
_OUT_OF_MEMORY = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)
# The CPU's allocator, MPS and DirectML raise a plain RuntimeError with one of these texts.
_MESSAGES = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "not enough gpu video memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a device, or the computer, has no memory left."""
    if isinstance(error, (MemoryError, _OUT_OF_MEMORY)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(message in text for message in _MESSAGES)


def first_that_fits(
    attempts: Sequence[Attempt],
    run: Callable[[Attempt], T],
    make_room: Callable[[], None],
    advice: str,
) -> tuple[T, int]:
    """Run the attempts in order until one fits in memory; return its result and its index.

    `make_room` frees memory before each attempt but the first. Errors other than out-of-memory
    are not retried. Raises RuntimeError with `advice` if no attempt fits.
    """
    for index, attempt in enumerate(attempts):
        if index:
            make_room()
        try:
            return run(attempt), index
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            # Keep only the message: the error's traceback holds the tensors of the failed run.
            _log.warning(
                "out of memory in attempt %d of %d: %s", index + 1, len(attempts), str(error)
            )
    raise RuntimeError(advice)


def with_second_try(run: Callable[[], T], make_room: Callable[[], None], advice: str) -> T:
    """Return the result of `run`; if memory runs out, free memory and retry once.

    Raises RuntimeError with `advice` if memory runs out again.
    """
    result, _ = first_that_fits((1, 2), lambda _: run(), make_room, advice)
    return result


@dataclass(frozen=True)
class Rescue:
    """How a host frees memory for a retry, and the advice to the user if the retry fails too."""

    make_room: Callable[[], None]
    advice: str
