"""The browser tests' Chromium and front ends.

Chromium is the system's; Playwright's own download is not used. A front end of ComfyUI is a folder
of static files for `main.py --front-end-root`. Its package is unpacked into .host/front-ends and
never into .venv, which holds the front end of the host.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from devkit.messages import StepError, step
from devkit.setup.layout import Layout
from devkit.setup.run_tool import run_tool

FRONT_END_PACKAGE = "comfyui-frontend-package"
# sha256 of each version's wheel, which is the same file for all systems.
PINNED_FRONT_ENDS = {
    "1.58.1": "37912597537a731a8f421179618a736c24184c5bdbfa327f38b2fb7c291852d9",
}

VARIABLE = "CHROMIUM_PATH"
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    f"Chromium is not installed (searched the PATH for {', '.join(NAMES)}): install it "
    f"(Debian and Ubuntu: sudo apt-get install chromium), or set {VARIABLE} to the program"
)


def find_chromium(
    environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which
) -> Path | None:
    """Return the browser that CHROMIUM_PATH names, else the first on the PATH; None without one."""
    named = environ.get(VARIABLE)
    if named:
        path = Path(named).expanduser().absolute()
        if not path.is_file():
            raise StepError(
                "find Chromium",
                f"{VARIABLE} is {path}, which is not a file",
                f"set {VARIABLE} to the browser's program, or unset it to search the PATH",
            )
        return path
    found = next(filter(None, map(which, NAMES)), None)
    return Path(found) if found else None


def must_have_chromium(environ: Mapping[str, str]) -> bool:
    """Return whether a missing browser is a failure: on CI machines, which set CI=true."""
    return environ.get("CI", "").lower() in ("1", "true")


def chromium_arguments() -> list[str]:
    """Return the flags of a headless browser that makes no network requests of its own."""
    flags = [
        "--headless",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    # Chromium's sandbox refuses root, the user of many build machines.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*flags, "--no-sandbox"] if is_root else flags


def ensure_front_end(layout: Layout, version: str) -> Path:
    """Return the static folder of a pinned front end; install it if it is missing."""
    folder = layout.host / "front-ends" / version
    static = folder / "comfyui_frontend_package" / "static"
    if (static / "index.html").is_file():
        return static
    name = f"install ComfyUI's front end {version}"
    with step(name):
        requirement = layout.downloads / f"front-end-{version}.txt"
        requirement.parent.mkdir(parents=True, exist_ok=True)
        pin = f"{FRONT_END_PACKAGE}=={version} --hash=sha256:{PINNED_FRONT_ENDS[version]}"
        requirement.write_text(pin + "\n", "utf-8")
        # Renamed when complete, so that an interrupted installation starts again.
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
    for version in PINNED_FRONT_ENDS:
        ensure_front_end(layout, version)
