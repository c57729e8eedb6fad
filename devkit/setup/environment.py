"""The environment: .venv, made by uv (or venv where uv is missing), with the pinned requirements.

It is idempotent and can be interrupted anywhere: the stamp inside .venv is written last, and a
marker outside it says that an installation was begun. A marker without an end means that packages
may be half there, so .venv is thrown away and made again; uv keeps the downloads.
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

# "client" is what demo, serve and run need when ComfyUI is the user's own (COMFYUI_PATH):
# the websocket library alone. Everything else needs "full".
Need = Literal["full", "client"]
CLIENT_PACKAGES = ("websocket-client",)

STAMP = "tipo-suite-setup.json"
MAKE_VENV = "make the environment (.venv)"
INSTALL = "install the pinned requirements"

# Measured with torch 2.11 and its CUDA libraries: 5.3 GB on disk, and uv's cache while it unpacks.
_GIGABYTES = {"full": 9.0 if sys.platform == "linux" else 4.0, "client": 0.1}


def ensure_environment(layout: Layout, need: Need) -> None:
    """Make .venv hold what is needed; do nothing when it already does."""
    wanted = _fingerprint(layout)
    if _stamped(layout, wanted, need):
        return
    check_free_space(MAKE_VENV, layout.root, _GIGABYTES[need])
    marker = _marker(layout)
    if layout.venv.exists() and (marker.exists() or not layout.venv_python.exists()):
        say("the last set-up was cut short: making .venv again")
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
    """Return the environment of a Python process that keeps its byte code in .host/pycache.

    Packages come without byte code, and ComfyUI imports thousands of their files: where
    PYTHONDONTWRITEBYTECODE is set, each start would compile them all again. A folder of our own
    also leaves the user's ComfyUI as it is.
    """
    kept = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(layout.host / "pycache")}


def check_free_space(step_name: str, folder: Path, gigabytes: float) -> None:
    """Raise a StepError when the disk of the folder has less than the given space free."""
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        raise StepError(
            step_name,
            f"disk full: {free:.1f} GB free in {folder}, about {gigabytes:.0f} GB are needed",
            "free some space, or set COMFYUI_PATH and COMFYUI_PYTHON to a ComfyUI that you have",
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
            "take requirements-dev.txt from the repository again",
        )
    return found[1]


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it is either the old one or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def base_python() -> str:
    """Return the interpreter behind a virtual environment, or this one outside of any."""
    return getattr(sys, "_base_executable", None) or sys.executable


def make_venv(layout: Layout, uv: Path | None) -> Path | None:
    """Create .venv and return the uv to use with it, None when none is there yet."""
    if uv is not None:
        run_tool(MAKE_VENV, [uv, "venv", "--python", base_python(), layout.venv], cwd=layout.root)
        return uv
    # Debian and Ubuntu cut ensurepip out of their Python; the system's pip can stand in for it.
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
    """Remove .venv; renamed first, so that an interruption leaves no half environment in place."""
    trash = layout.host / f"trash-{os.getpid()}"
    layout.host.mkdir(parents=True, exist_ok=True)
    layout.venv.rename(trash)
    shutil.rmtree(trash, ignore_errors=True)
