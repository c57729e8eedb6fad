"""Options that several commands of toy-sd have, and what of their files a run is noted by."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path


def add_tokenizer(parser: argparse.ArgumentParser) -> None:
    """Add the option that names CLIP's tokenizer."""
    parser.add_argument(
        "--tokenizer", type=Path, required=True,
        help="folder with CLIP's vocab.json and merges.txt: comfy/sd1_tokenizer of a ComfyUI",
    )  # fmt: skip


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how many threads compute."""
    parser.add_argument("--threads", type=int, default=0, help="0 = as many as torch likes")


def digest(path: Path) -> str:
    """Return the start of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
