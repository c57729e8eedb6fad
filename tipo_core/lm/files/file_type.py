"""Detect a file's real type by its magic bytes, for errors about a file that is something else.

One table for both readers, safetensors and GGUF, so that both name the same types.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

_MAGIC = (
    (
        b"PK\x03\x04",
        "a zip archive or a PyTorch pickle, which is never opened because it can run code",
    ),
    (b"\x80\x02", "a pickle, which is never opened because it can run code"),
    (b"\x80\x03", "a pickle, which is never opened because it can run code"),
    (b"\x80\x04", "a pickle, which is never opened because it can run code"),
    (b"\x80\x05", "a pickle, which is never opened because it can run code"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file that it points to"),
    (b"GGUF", "a GGUF file"),
    (b"ggml", "a GGML file, the predecessor of GGUF"),
    (b"lmgg", "a GGML file, the predecessor of GGUF"),
    (b"fmgg", "a GGML file, the predecessor of GGUF"),
    (b"tjgg", "a GGML file, the predecessor of GGUF"),
)
# In any case and after any blanks.
_MARKUP = (
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"<head", "a web page"),
    (b"<!--", "a web page"),
    (b"<?xml", "an XML document"),
)
# Bytes of a file's beginning that are looked at.
MAGIC_LENGTH = 64
SAFETENSORS = "a safetensors file"
# The first byte of a SentencePiece model: the field of its first piece.
_SENTENCEPIECE = b"\n"
_OTHER = "another type of file"


def detect_file_type(beginning: bytes) -> str:
    """Return the type of a file as a noun phrase, '' if unknown, from its first bytes.

    `beginning` is its first `MAGIC_LENGTH` bytes.
    """
    if not beginning:
        return "an empty file"
    if beginning[8:9] == b"{":
        return SAFETENSORS
    text = beginning.lstrip().lower()
    markup = (kind for magic, kind in _MARKUP if text.startswith(magic))
    return next((kind for magic, kind in _MAGIC if beginning.startswith(magic)), next(markup, ""))


def wrong_type(path: Path, suffix: str = "") -> str:
    """Return the type of a model file as a noun phrase if it is not the type of its name, else ''.

    Known are `.gguf`, `.safetensors`, `.json` and `.model`; `suffix` stands in for the suffix of
    `path`. Only the first bytes are read, so that a damaged file of the right type passes. The
    result is '' too for a file that cannot be read: whoever opens it gets the error.
    """
    is_right = _FIRST_BYTES.get((suffix or path.suffix).lower())
    try:
        with path.open("rb") as stream:
            beginning = stream.read(MAGIC_LENGTH)
    except OSError:
        return ""
    if is_right is None or is_right(beginning):
        return ""
    return detect_file_type(beginning) or _OTHER


_FIRST_BYTES = MappingProxyType(
    {
        ".gguf": lambda beginning: beginning.startswith(b"GGUF"),
        ".safetensors": lambda beginning: beginning[8:9] == b"{",
        ".json": lambda beginning: beginning.lstrip().startswith(b"{"),
        ".model": lambda beginning: beginning.startswith(_SENTENCEPIECE),
    }
)
