"""The texts of running nodes on a terminal: one line that changes, or a line now and then."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Collection, Mapping

from ...comfy_api.server_events import TEXT, ServerEvent

_SECONDS_BETWEEN_LINES = 5.0  # without a terminal
_TEXT_STAYS = 2.0  # seconds in which a node's text is not replaced by its progress


class ProgressLines:
    """Writes the progress of a run's nodes to standard error.

    `titles` are the names of nodes by their ids. The reports of the nodes `reported` are written in
    full as soon as they exist.
    """

    def __init__(self) -> None:
        self.titles: Mapping[str, str] = {}
        self.reported: Collection[str] = ()
        self._is_terminal = sys.stderr.isatty()
        self._written, self._is_open, self._last = 0.0, False, ""
        self._text_at = -_TEXT_STAYS

    def __call__(self, event: ServerEvent) -> None:
        """Show a message of the server: a node's text, start, progress or report."""
        data, node = event.data, str(event.data.get("node"))
        if event.kind == TEXT:
            self._text_at = time.monotonic()
            self.show(" | ".join(str(data.get("text", "")).split("\n")))
        elif event.kind == "executing" and node in self.titles:
            self.show(self.titles[node])
        elif event.kind == "progress" and node in self.titles:
            if time.monotonic() - self._text_at >= _TEXT_STAYS:
                self.show(f"{self.titles[node]}: {data.get('value')} of {data.get('max')}")
        elif event.kind == "executed" and node in self.reported:
            for text in (data.get("output") or {}).get("text", ()):
                self.write(str(text))

    def write(self, text: str) -> None:
        """Write lines that stay."""
        self.end()
        sys.stderr.write(f"{text}\n")

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
