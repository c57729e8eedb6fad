"""The pictures that the image templates start from, for the base folder of dev.py's host.

A template names its picture by what its user has to do (`choose-a-picture.png`). Elsewhere no such
file exists, and ComfyUI's own error repeats the name; here the example stands in for the choice.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path("devkit", "assets", "examples")


def put_examples(root: Path, base: Path) -> list[Path]:
    """Copy the example pictures into the input folder of `base`; return their paths there."""
    target = base / "input"
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    for example in sorted((root / FOLDER).glob("*.png")):
        path = target / example.name
        content = example.read_bytes()
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
        paths.append(path)
    return paths
