"""A second try where memory ran out, after the host made room."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

T = TypeVar("T")
_log = logging.getLogger("tipo-suite")
_TYPE = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)
# What backends without a type of their own say: the CPU's allocator, MPS, DirectML.
_WORDS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "not enough gpu video memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a device, or the computer, has no memory left."""
    if isinstance(error, (MemoryError, _TYPE)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _WORDS)


def with_second_try(run: Callable[[], T], make_room: Callable[[], None], advice: str) -> T:
    """Return what `run` returns; if memory runs out, make room and run it once more.

    Raises RuntimeError with `advice` when it runs out again.
    """
    try:
        return run()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        # Its words alone: a log record may outlive this, and the error holds the run's tensors.
        _log.warning("out of memory (%s): making room for a second try", str(error))
    # Behind the handler, because the error's traceback keeps what the failed run had allocated.
    make_room()
    try:
        return run()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise RuntimeError(advice) from error


@dataclass(frozen=True)
class Rescue:
    """What a host does where memory runs out, and what is said where that does not help."""

    make_room: Callable[[], None]
    advice: str
