"""Work on a long text that can be cancelled while it runs.

A text of a megabyte takes seconds in a tokenizer's single call or in ComfyUI's own parser. Such a
call cannot be cut. So it runs in a thread of its own, and the caller looks for a cancel meanwhile.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")

# Characters up to which a text is read in the caller's own thread: a few milliseconds.
SHORT_TEXT = 1 << 14
# Seconds between two looks for a cancel.
INTERVAL = 0.05


class Abandoned(BaseException):
    """The caller has been cancelled, and nobody waits for this work."""


class TextThread(threading.Thread, Generic[Result]):
    """A thread that works for a caller who waits. It does not keep the program from ending."""

    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__(name="tipo-suite long text", daemon=True)
        self.is_abandoned = False
        self.results: list[Result] = []
        self.error: BaseException | None = None
        context = contextvars.copy_context()
        self._work: Callable[[], Result] = lambda: context.run(work)

    def run(self) -> None:
        try:
            self.results.append(self._work())
        except BaseException as error:  # raised again for the caller
            self.error = error


def listening(work: Callable[[], Result], check: Callable[[], None], length: int) -> Result:
    """Return the result of `work` on texts of `length` characters in all.

    `check` may raise to cancel; it is called before the work, and every `INTERVAL` seconds while
    long texts are read. The work then goes on unseen to its end, or to its next call of
    `stop_if_abandoned`. It must change nothing that others use. Raises what `work` raises.
    """
    check()
    if length <= SHORT_TEXT or isinstance(threading.current_thread(), TextThread):
        return work()
    thread = TextThread(work)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(INTERVAL)
            check()
    except BaseException:
        thread.is_abandoned = True
        raise
    if thread.error is not None:
        raise thread.error
    return thread.results[0]


def stop_if_abandoned() -> bool:
    """Return whether this is a thread for a long text; raise Abandoned if its caller is gone."""
    thread = threading.current_thread()
    if not isinstance(thread, TextThread):
        return False
    if thread.is_abandoned:
        raise Abandoned
    return True
