"""Captions beside pictures: `cat.txt` or `cat.caption` beside `cat.png`, as A1111 and kohya do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...surrogates import refuse_surrogates

_MOST_BYTES = 65536
# A1111's words in a prompt that stand for the token and for the picture's caption.
NAME_WORD, CAPTION_WORD = "[name]", "[filewords]"


def captions_of_files(
    pictures: Sequence[Path], files: Sequence[Path]
) -> tuple[dict[str, str], list[str]]:
    """Return captions by the picture's name, and notes on files without a picture or unreadable.

    A caption belongs to all pictures of its stem; `cat.png.txt` belongs to `cat.png` too.
    """
    by_stem: dict[str, list[str]] = {}
    for path in pictures:
        for key in dict.fromkeys((path.stem, path.name)):
            by_stem.setdefault(key, []).append(path.name)
    captions: dict[str, str] = {}
    notes = []
    for file in files:
        named = by_stem.get(file.stem)
        if not named:
            notes.append(f"{file.name}: a caption without a picture")
            continue
        try:
            text = _read_caption(file)
        except (OSError, ValueError) as error:
            notes.append(f"{file.name}: not readable as UTF-8 text ({error}): save it as UTF-8")
            continue
        if not text:
            notes.append(f"{file.name}: empty, the prompt is used")
            continue
        captions.update((name, text) for name in named if name not in captions)
    return captions, notes


def _read_caption(path: Path) -> str:
    """Return a caption as one line. Raises ValueError for other encodings than UTF-8."""
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("another encoding") from None
    refuse_surrogates(path.name, text)
    if "\0" in text:
        raise ValueError("another encoding")
    return " ".join(text.split())


def caption_for(prompt: str, token: str, caption: str | None) -> str:
    """Return the caption of a picture: its own, the prompt, or both where the prompt says so.

    `[filewords]` in the prompt is replaced by the picture's own caption, `[name]` by the token.
    """
    named = prompt.replace(NAME_WORD, token)
    if CAPTION_WORD in named:
        filled = named.replace(CAPTION_WORD, caption or "")
        return filled.strip(" ,")
    return named if caption is None else caption.replace(NAME_WORD, token)
