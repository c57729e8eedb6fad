"""Mistakes of one text, collected so that an error names all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_MOST = 20


class Mistakes:
    """Collects the ValueErrors of single entries.

    >>> mistakes = Mistakes()
    >>> for entry in ("1", "x", "y"):
    ...     with mistakes.noted():
    ...         int(entry)
    >>> mistakes.raise_all()
    Traceback (most recent call last):
    ValueError: invalid literal for int() with base 10: 'x'
    invalid literal for int() with base 10: 'y'
    """

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Go on after a ValueError of the block, which is kept."""
        try:
            yield
        except ValueError as error:
            self._lines[str(error)] = None

    def raise_all(self) -> None:
        """Raise one ValueError with a line for each of them, in their order, if there are any."""
        lines = list(self._lines)
        if len(lines) > _MOST:
            lines[_MOST:] = [f"and {len(lines) - _MOST} more mistakes"]
        if lines:
            raise ValueError("\n".join(lines))
