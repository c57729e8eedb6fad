"""The texts of running nodes on a terminal: one line that changes, or a line now and then."""

from __future__ import annotations

import shutil
import sys
import time

from ...comfy_api.server_events import TEXT, ServerEvent

_SECONDS_BETWEEN_LINES = 5.0  # without a terminal


class ProgressLines:
    """Writes the texts of a run's nodes to standard error."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._written, self._is_open, self._last = 0.0, False, ""

    def __call__(self, event: ServerEvent) -> None:
        """Show a message of the server, if it is a text."""
        if event.kind == TEXT:
            self.show(" | ".join(str(event.data.get("text", "")).split("\n")))

    def show(self, text: str) -> None:
        """Show a text in place of the one before."""
        self._last = text
        now = time.monotonic()
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r{text[:width]:<{width}}")
            sys.stderr.flush()
            self._is_open = True
        elif now - self._written >= _SECONDS_BETWEEN_LINES:
            self._written, self._last = now, ""
            sys.stderr.write(f"{text}\n")

    def end(self) -> None:
        """Leave the last text where it is, and go on in a line of its own."""
        if self._is_open:
            sys.stderr.write("\n")
        elif self._last:
            sys.stderr.write(f"{self._last}\n")
        self._is_open, self._last = False, ""
