"""rows.csv of a run's folder: one row for each picture."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType

from .arms import ARMS

NAME = "rows.csv"
Key = tuple[str, int]


@dataclass(frozen=True)
class Row:
    """A picture: `file` in the run's folder; `seconds` on the server; `settings` names run.json."""

    arm: str
    index: int
    seed: int
    given: str
    drawn: str
    file: str
    seconds: float
    settings: str

    @property
    def key(self) -> Key:
        """Arm and index, which name the row."""
        return self.arm, self.index


_COLUMNS = tuple(field.name for field in fields(Row))


class Rows:
    """The rows of a folder, without incomplete rows and rows whose picture is missing.

    As a context manager it keeps the file open and writes each row at once.
    """

    def __init__(self, folder: Path, settings: str) -> None:
        self.folder = folder
        self.path = folder / NAME
        self.done: dict[Key, Row] = {}
        for row in _read(self.path, settings):
            if (folder / row.file).is_file():
                self.done[row.key] = row

    def add(self, row: Row, picture: bytes) -> None:
        """Write the picture in one step, then its row."""
        path = self.folder / row.file
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(picture)
        os.replace(part, path)
        self.done[row.key] = row
        self._stream.write(_lines([row]))
        self._stream.flush()

    def __enter__(self) -> Rows:
        self._rewrite()
        self._stream = self.path.open("a", encoding="utf-8", newline="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()
        self._rewrite()

    def _rewrite(self) -> None:
        """Write the sorted file again, in one step."""
        part = self.path.with_name(self.path.name + ".part")
        rows = sorted(self.done.values(), key=lambda row: (row.index, ARMS.index(row.arm)))
        text = ",".join(_COLUMNS) + "\r\n" + _lines(rows)
        part.write_text(text, encoding="utf-8", newline="")
        os.replace(part, self.path)


def _lines(rows: Iterable[Row]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows(astuple(row) for row in rows)
    return stream.getvalue()


def _read(path: Path, settings: str) -> list[Row]:
    """Return the complete rows of a file, in its order; none without a file."""
    if not path.exists():
        return []
    # After a power failure, zero bytes may stand in place of the last row.
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        text = stream.read().replace("\0", "")
    rows = []
    for cells in csv.reader(io.StringIO(text, newline="")):
        try:
            arm, index, seed, given, drawn, file, seconds, named = cells
            row = Row(arm, int(index), int(seed), given, drawn, file, float(seconds), named)
        except ValueError:  # the header, or an incomplete row
            continue
        is_cut = settings.startswith(named) and named != settings
        if arm in ARMS and not is_cut:
            rows.append(row)
    return rows
