"""What a file is that is not what its name says."""

from __future__ import annotations

_BEGINNINGS = (
    (b"PK\x03\x04", "a zip archive or a PyTorch pickle, which is never opened here"),
    (b"\x80\x02", "a pickle, which is never opened here"),
    (b"\x80\x03", "a pickle, which is never opened here"),
    (b"\x80\x04", "a pickle, which is never opened here"),
    (b"\x80\x05", "a pickle, which is never opened here"),
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
LONGEST = max(len(beginning) for beginning, _ in _BEGINNINGS)


def foreign_kind(beginning: bytes) -> str:
    """Return what a file with this `beginning` (its first `LONGEST` bytes) is; '' if unknown."""
    if not beginning:
        return "an empty file"
    if beginning[8:9] == b"{":
        return "a safetensors file"
    return next((kind for start, kind in _BEGINNINGS if beginning.startswith(start)), "")
