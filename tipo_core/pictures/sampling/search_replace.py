"""Prompt S/R: the first of several texts is searched in a prompt and replaced by each of them.

The rules are those of A1111's X/Y/Z plot (`scripts/xyz_grid.py`): the list is CSV, so that
quotation marks enclose a text with commas; blanks around a text are cut off; every occurrence is
replaced, in the prompt and in the negative prompt.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO

_LONGEST_LABEL = 80  # characters


@dataclass(frozen=True)
class Prompts:
    """A prompt and its negative prompt."""

    text: str
    negative: str

    def replaced(self, search: str, replacement: str) -> Prompts:
        """Return both with `search` replaced. Raises ValueError if neither has it."""
        if not self.text and not self.negative:
            raise ValueError("text and negative_text are empty: connect the prompts to them.")
        if search not in self.text and search not in self.negative:
            raise ValueError(
                f"'{shown_text(search)}' is in neither text nor negative_text. The first value is "
                "the text to be replaced: write it exactly as it stands there."
            )
        return Prompts(
            self.text.replace(search, replacement), self.negative.replace(search, replacement)
        )


def csv_values(text: str) -> list[str]:
    """Return the values of a list in CSV, in all its lines, without blanks around them.

    Raises ValueError for a value that is too long for CSV.
    """
    try:
        rows = list(csv.reader(StringIO(text), skipinitialspace=True))
    except csv.Error as error:
        raise ValueError(f"the list is not CSV ({error})") from error
    return [value.strip() for row in rows for value in row]


def shown_text(text: str) -> str:
    """Return a text in one line, shortened, for labels and reports."""
    line = " ".join(text.split())
    if len(line) > _LONGEST_LABEL:
        line = f"{line[: _LONGEST_LABEL - 4]} ..."
    return line or "(empty)"
