"""Detect a file's real type by its magic bytes, for errors about a file that is something else.

One table for both readers, safetensors and GGUF, so that both name the same types.
"""

from __future__ import annotations

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
    (b"<!DOCTYPE", "a web page"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"GGUF", "a GGUF file"),
    (b"ggml", "a GGML file, the predecessor of GGUF"),
    (b"lmgg", "a GGML file, the predecessor of GGUF"),
    (b"fmgg", "a GGML file, the predecessor of GGUF"),
    (b"tjgg", "a GGML file, the predecessor of GGUF"),
)
MAGIC_LENGTH = max(len(magic) for magic, _ in _MAGIC)
SAFETENSORS = "a safetensors file"


def detect_file_type(beginning: bytes) -> str:
    """Return the type of a file as a noun phrase, '' if unknown, from its first bytes.

    `beginning` is its first `MAGIC_LENGTH` bytes.
    """
    if not beginning:
        return "an empty file"
    if beginning[8:9] == b"{":
        return SAFETENSORS
    return next((kind for magic, kind in _MAGIC if beginning.startswith(magic)), "")
