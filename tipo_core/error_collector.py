"""Collects the errors of a text with many entries, so that one error names all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_MAX_LINES = 20  # of the error text


class ErrorCollector:
    """Collects the ValueErrors of single entries.

    >>> errors = ErrorCollector()
    >>> for entry in ("1", "x", "y"):
    ...     with errors.collect():
    ...         int(entry)
    >>> errors.raise_all()
    Traceback (most recent call last):
    ValueError: invalid literal for int() with base 10: 'x'
    invalid literal for int() with base 10: 'y'
    """

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}

    def keep(self, error: ValueError) -> None:
        """Keep an error that was caught."""
        self._lines[str(error)] = None

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep a ValueError of the block and continue after the block."""
        try:
            yield
        except ValueError as error:
            self.keep(error)

    def raise_all(self) -> None:
        """Raise one ValueError with a line for each different error, in their order.

        Nothing is raised where no error was collected. After 20 lines the rest is counted.
        """
        lines = list(self._lines)
        if len(lines) > _MAX_LINES:
            lines[_MAX_LINES:] = [f"and {len(lines) - _MAX_LINES} more errors"]
        if lines:
            raise ValueError("\n".join(lines))
