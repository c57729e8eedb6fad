"""Front ends of ComfyUI that the browser tests use beside the host's own: pinned, installed once.

A front end is a folder of static files, which `main.py --front-end-root` takes. The package is
unpacked into .host/front-ends and never into .venv, where ComfyUI's own front end lies.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from devkit.messages import step
from devkit.setup.layout import Layout
from devkit.setup.run_tool import run_tool

PACKAGE = "comfyui-frontend-package"
# sha256 of each version's wheel, which is the same file for all systems.
PINNED = {
    "1.58.1": "37912597537a731a8f421179618a736c24184c5bdbfa327f38b2fb7c291852d9",
}


def ensure_front_end(layout: Layout, version: str) -> Path:
    """Return the static folder of a pinned front end; install it first where it is missing."""
    folder = layout.host / "front-ends" / version
    static = folder / "comfyui_frontend_package" / "static"
    if (static / "index.html").is_file():
        return static
    name = f"install ComfyUI's front end {version}"
    with step(name):
        requirement = layout.downloads / f"front-end-{version}.txt"
        requirement.parent.mkdir(parents=True, exist_ok=True)
        requirement.write_text(f"{PACKAGE}=={version} --hash=sha256:{PINNED[version]}\n", "utf-8")
        # Renamed when it is whole, so that an interrupted installation is started again.
        unfinished = folder.with_name(f"{version}.{os.getpid()}.tmp")
        command: list[str | Path] = [layout.venv_program("uv"), "pip", "install", "--quiet"]
        command += ["--python", layout.venv_python, "--target", unfinished]
        command += ["--no-deps", "--require-hashes", "-r", requirement]
        try:
            run_tool(name, command, cwd=layout.root)
            shutil.rmtree(folder, ignore_errors=True)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return static


def ensure_front_ends(layout: Layout) -> None:
    """Install all pinned front ends that are missing."""
    for version in PINNED:
        ensure_front_end(layout, version)
