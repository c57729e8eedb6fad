"""Paths of the files that dev.py makes: all in .venv and .host of the checkout."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PACK_NAME = "tipo-suite"


@dataclass(frozen=True)
class Layout:
    """The paths of one checkout; no file is created here."""

    root: Path

    @property
    def requirements(self) -> Path:
        """The pinned requirements of the environment."""
        return self.root / "requirements-dev.txt"

    @property
    def venv(self) -> Path:
        """The environment of all commands."""
        return self.root / ".venv"

    @property
    def venv_python(self) -> Path:
        """The interpreter of that environment."""
        return self.venv_program("python")

    def venv_program(self, name: str) -> Path:
        """Return the path of a program of the environment on this system."""
        if os.name == "nt":
            return self.venv / "Scripts" / f"{name}.exe"
        return self.venv / "bin" / name

    @property
    def host(self) -> Path:
        """The folder of ComfyUI, its base folder, downloads and logs."""
        return self.root / ".host"

    @property
    def comfyui(self) -> Path:
        """The ComfyUI tree from the wheel."""
        return self.host / "ComfyUI"

    @property
    def downloads(self) -> Path:
        """Verified downloads, kept to make the tree again offline."""
        return self.host / "downloads"

    @property
    def base(self) -> Path:
        """ComfyUI's base directory: models, custom_nodes, input, output, user."""
        return self.host / "base"

    @property
    def checkpoints(self) -> Path:
        """The folder of toy-sd's checkpoint."""
        return self.base / "models" / "checkpoints"

    @property
    def logs(self) -> Path:
        """Server logs, one file per start."""
        return self.host / "logs"


def this_checkout() -> Layout:
    """Return the layout of the checkout that this file belongs to."""
    return Layout(Path(__file__).resolve().parents[2])
