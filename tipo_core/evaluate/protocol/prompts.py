"""The prompts of the published tests, from files of the user."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...prompt.sentences import split_sentences
from ...prompt.vocabulary.tags import Category, canonical, category
from ..picture_folder import picture_files

SCENERY = "scenery"
_MOST = {Category.ARTIST: 5, Category.CHARACTERS: 5, Category.COPYRIGHTS: 5, Category.META: 10}
_COLUMNS = ("prompt", "caption", "tags", "text")
_log = logging.getLogger("tipo-suite")


@dataclass(frozen=True)
class Cut:
    """How much of a long caption is kept: its first `words` or, with words 0, `sentences`.

    The published runs keep two sentences.
    """

    sentences: int = 2
    words: int = 0

    def __post_init__(self) -> None:
        if self.sentences < 1 or self.words < 0:
            raise ValueError("--sentences must be 1 or more, --words 0 or more")

    def of(self, caption: str) -> str:
        """Return the first part of a caption."""
        if self.words:
            return " ".join(caption.split()[: self.words])
        return "".join(split_sentences(caption)[: self.sentences]).strip()


def scenery_prompt(tags: str) -> str:
    """Return the tags that describe no content, followed by `scenery`.

    As in the published runs, these are quality, rating, tags such as `1girl` or `no humans`, the
    first 5 artists, 5 characters, 5 series and 10 meta tags.
    """
    kept: list[str] = []
    counts: dict[Category, int] = {}
    for tag in (piece.strip() for piece in tags.split(",")):
        kind = category(tag) if tag else Category.GENERAL
        if kind is Category.GENERAL or canonical(tag) == SCENERY:
            continue
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] <= _MOST.get(kind, counts[kind]):
            kept.append(tag)
    return ", ".join([*kept, SCENERY])


def read_prompts(source: Path, column: str | None = None) -> list[str]:
    """Return the texts of a .txt file (one per line), a .csv, or the .txt files beside pictures.

    `column` is the column of a .csv. Blank texts are left out. Raises OSError or ValueError; both
    name the file.
    """
    if source.is_dir():
        texts = _sidecars(source)
    elif not source.is_file():
        raise FileNotFoundError(f"there is no file or folder {source}: give one with --prompts")
    elif source.suffix.lower() == ".csv":
        texts = _csv_texts(source, column)
    else:
        texts = iter(_text(source).splitlines())
    found = [text.strip() for text in texts]
    found = [text for text in found if text]
    if not found:
        raise ValueError(f"{source} holds no prompt: write one per line")
    return found


def prompts_of(
    test: str, source: Path | None, count: int, cut: Cut, column: str | None = None
) -> list[str]:
    """Return the first `count` prompts of a test. Raises ValueError for a test without a source.

    Without a source, every `scenery` prompt is the tag alone. A source with fewer prompts is used
    whole, with a warning.
    """
    if count < 1:
        raise ValueError(f"--count is {count}: give 1 or more")
    if source is None:
        if test != SCENERY:
            raise ValueError(f"{test} needs captions: give a file or folder with --prompts")
        return [SCENERY] * count
    texts = read_prompts(source, column)
    if len(texts) < count:
        _log.warning("%s has %d prompts, not %d: all of them are used", source, len(texts), count)
    texts = texts[:count]
    if test == SCENERY:
        return [scenery_prompt(text) for text in texts]
    return [cut.of(text) for text in texts] if test == "truncated" else texts


def _sidecars(folder: Path) -> Iterator[str]:
    for picture in picture_files(folder):
        sidecar = picture.with_suffix(".txt")
        if sidecar.is_file():
            yield " ".join(_text(sidecar).split())
        else:
            _log.warning("%s has no .txt file of the same name and is left out", picture)


def _csv_texts(path: Path, column: str | None) -> Iterator[str]:
    rows = csv.DictReader(_text(path).splitlines(keepends=True))
    names = [name for name in rows.fieldnames or [] if name]
    wanted = [column] if column else _COLUMNS
    chosen = next((name for name in wanted if name in names), None)
    if chosen is None:
        raise ValueError(
            f"{path} has no column {' or '.join(wanted)}: name one of {', '.join(names)} with "
            "--column"
        )
    return (str(row.get(chosen) or "") for row in rows)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from error
