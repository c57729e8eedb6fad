"""The environment: .venv, made by uv (or venv where uv is missing), with the pinned requirements.

The set-up is idempotent and may be interrupted at any point. The stamp inside .venv is written
last. During an installation a marker exists outside of .venv; a marker that is left over means
that packages may be incomplete: .venv is deleted and made again, and uv keeps the downloads.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from devkit.messages import StepError, say, step
from devkit.setup.layout import Layout
from devkit.setup.run_tool import run_tool

# With the user's own ComfyUI (COMFYUI_PATH), demo, serve and run need "client": the websocket
# library, and Pillow to show the demo's picture. All other commands need "full".
Need = Literal["full", "client"]
CLIENT_PACKAGES = ("websocket-client", "pillow")

STAMP = "tipo-suite-setup.json"
MAKE_VENV = "make the environment (.venv)"
INSTALL = "install the pinned requirements"

# Measured with torch 2.11 and its CUDA libraries: 5.3 GB on disk, and uv's cache while it unpacks.
_GIGABYTES = {"full": 9.0 if sys.platform == "linux" else 4.0, "client": 0.1}


def ensure_environment(layout: Layout, need: Need) -> None:
    """Install the needed packages into .venv, unless its stamp says that they are installed."""
    wanted = _fingerprint(layout)
    if _stamped(layout, wanted, need):
        return
    check_free_space(MAKE_VENV, layout.root, _GIGABYTES[need])
    marker = _marker(layout)
    if layout.venv.exists() and (marker.exists() or not layout.venv_python.exists()):
        say("the last set-up was interrupted: making .venv again")
        _remove(layout)
    layout.host.mkdir(parents=True, exist_ok=True)
    marker.touch()
    uv = _uv(layout)
    if not layout.venv_python.exists():
        with step(MAKE_VENV):
            uv = make_venv(layout, uv)
    if uv is None:
        with step("install uv into .venv"):
            uv = _install_uv(layout, sys.executable)
    with step(INSTALL):
        install: list[str | Path] = [uv, "pip", "install", "--python", layout.venv_python]
        if need == "full":
            install += ["-r", layout.requirements]
        else:
            install += [pinned(layout, name) for name in CLIENT_PACKAGES]
        run_tool(INSTALL, install, cwd=layout.root)
    write_atomically(
        layout.venv / STAMP, json.dumps({"requirements": wanted, "need": need}, indent=1)
    )
    marker.unlink()


def with_bytecode_cache(layout: Layout, environ: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables for a Python process that keeps its byte code in .host/pycache.

    Packages are installed without byte code, and ComfyUI imports thousands of their files: with
    PYTHONDONTWRITEBYTECODE, each start would compile them again. A separate folder leaves the
    user's ComfyUI unchanged.
    """
    kept = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(layout.host / "pycache")}


def check_free_space(step_name: str, folder: Path, gigabytes: float) -> None:
    """Raise a StepError when the disk of the folder has less than the given space free."""
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        raise StepError(
            step_name,
            f"disk full: {folder} has {free:.1f} GB free, the step needs about {gigabytes:.0f} GB",
            "free some space, or set COMFYUI_PATH and COMFYUI_PYTHON to your own ComfyUI",
        )


def pinned(layout: Layout, package: str) -> str:
    """Return the requirement line of a package, e.g. 'uv==0.13.9'."""
    found = re.search(
        rf"^({re.escape(package)}==[^\s;]+)", layout.requirements.read_text("utf-8"), re.MULTILINE
    )
    if found is None:
        raise StepError(
            "read the pinned requirements",
            f"{layout.requirements.name} does not pin {package}",
            "restore the file: git checkout -- requirements-dev.txt",
        )
    return found[1]


def write_atomically(path: Path, text: str) -> None:
    """Write a file atomically: a reader sees the old text or the whole new text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def base_python() -> str:
    """Return the base interpreter of a virtual environment, or this one outside of any."""
    return getattr(sys, "_base_executable", None) or sys.executable


def make_venv(layout: Layout, uv: Path | None) -> Path | None:
    """Create .venv and return the uv to use with it; None if uv must be installed first."""
    if uv is not None:
        run_tool(MAKE_VENV, [uv, "venv", "--python", base_python(), layout.venv], cwd=layout.root)
        return uv
    # Debian's and Ubuntu's Python lacks ensurepip; the system's pip can replace it.
    without_pip = importlib.util.find_spec("ensurepip") is None
    if without_pip and importlib.util.find_spec("pip") is None:
        raise StepError(
            MAKE_VENV,
            "this Python has neither uv, nor ensurepip, nor pip",
            "install one of them: uv (https://docs.astral.sh/uv), or on Debian and Ubuntu "
            "`sudo apt install python3-venv`; then run the command again",
        )
    flags = ["--without-pip"] if without_pip else []
    run_tool(MAKE_VENV, [base_python(), "-m", "venv", *flags, layout.venv])
    return None


def _install_uv(layout: Layout, python: str) -> Path:
    """Install the pinned uv into .venv with pip: its own, or this interpreter's."""
    name = "install uv into .venv"
    if list(layout.venv.glob("[Ll]ib*/**/site-packages/pip")):
        pip: list[str | Path] = [layout.venv_python, "-m", "pip"]
    else:
        pip = [python, "-m", "pip", "--python", layout.venv_python]
    quiet = ["--quiet", "--disable-pip-version-check"]
    run_tool(name, [*pip, "install", *quiet, pinned(layout, "uv")])
    return layout.venv_program("uv")


def _uv(layout: Layout) -> Path | None:
    own = layout.venv_program("uv")
    if own.exists():
        return own
    found = shutil.which("uv")
    return Path(found) if found else None


def _fingerprint(layout: Layout) -> str:
    return hashlib.sha256(layout.requirements.read_bytes()).hexdigest()


def _stamped(layout: Layout, wanted: str, need: Need) -> bool:
    try:
        stamp = json.loads((layout.venv / STAMP).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return (
        layout.venv_python.exists()
        and not _marker(layout).exists()
        and stamp.get("requirements") == wanted
        and stamp.get("need") in ("full", need)
    )


def _marker(layout: Layout) -> Path:
    return layout.host / "venv-unfinished"


def _remove(layout: Layout) -> None:
    """Remove .venv: rename it first, so that an interruption leaves no incomplete environment."""
    trash = layout.host / f"trash-{os.getpid()}"
    layout.host.mkdir(parents=True, exist_ok=True)
    layout.venv.rename(trash)
    shutil.rmtree(trash, ignore_errors=True)
