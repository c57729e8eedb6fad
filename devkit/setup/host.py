"""The ComfyUI that runs the pack: the user's own (COMFYUI_PATH), or the unpacked wheel.

The user's tree is only read: the base folder with models, outputs and custom_nodes is always
.host/base, and a generated extra-model-paths file names the user's models.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devkit.messages import StepError
from devkit.setup.comfyui_wheel import ensure_comfyui
from devkit.setup.layout import Layout

FIND = "find ComfyUI"
PATH_VARIABLE = "COMFYUI_PATH"
PYTHON_VARIABLE = "COMFYUI_PYTHON"
# ComfyUI turns DynamicVRAM on with an NVIDIA card; 1 tests it on a CPU.
DYNAMIC_VARIABLE = "COMFYUI_DYNAMIC_VRAM"


@dataclass(frozen=True)
class Host:
    """A ComfyUI tree and the Python that runs it."""

    tree: Path
    python: Path
    version: str
    is_users_own: bool
    has_dynamic_vram: bool = False


def uses_own_comfyui(environ: Mapping[str, str]) -> bool:
    """Return whether COMFYUI_PATH names the user's ComfyUI."""
    return bool(environ.get(PATH_VARIABLE))


def ensure_host(layout: Layout, environ: Mapping[str, str]) -> Host:
    """Return the host to use; without COMFYUI_PATH, unpack the wheel first."""
    if uses_own_comfyui(environ):
        return users_host(environ)
    ensure_comfyui(layout)
    dynamic = wants_dynamic_vram(layout.comfyui, environ)
    return Host(layout.comfyui, layout.venv_python, version_of(layout.comfyui), False, dynamic)


def wants_dynamic_vram(tree: Path, environ: Mapping[str, str]) -> bool:
    """Return whether to test DynamicVRAM; StepError if this ComfyUI lacks it."""
    if environ.get(DYNAMIC_VARIABLE, "0") in ("", "0"):
        return False
    if not (tree / "comfy" / "memory_management.py").is_file():
        raise StepError(
            FIND,
            f"{DYNAMIC_VARIABLE} is set, but ComfyUI {version_of(tree)} has no DynamicVRAM",
            f"unset it, or set {PATH_VARIABLE} to a newer ComfyUI",
        )
    return True


def users_host(environ: Mapping[str, str]) -> Host:
    """Return the host that COMFYUI_PATH and COMFYUI_PYTHON name."""
    tree = Path(environ[PATH_VARIABLE]).expanduser().absolute()
    if not ((tree / "main.py").is_file() and (tree / "comfy").is_dir()):
        raise StepError(
            FIND,
            f"{PATH_VARIABLE} is {tree}, which is not a ComfyUI: main.py or comfy/ is missing",
            f"set {PATH_VARIABLE} to the folder of ComfyUI's main.py, "
            "or unset it: dev.py then downloads ComfyUI",
        )
    named = environ.get(PYTHON_VARIABLE)
    if named:
        python = Path(named).expanduser().absolute()
        if not python.is_file():
            raise StepError(
                FIND,
                f"{PYTHON_VARIABLE} is {python}, which is not a file",
                f"set {PYTHON_VARIABLE} to the Python program that runs this ComfyUI",
            )
    else:
        found = python_beside(tree)
        if found is None:
            raise StepError(
                FIND,
                f"{PATH_VARIABLE} is set, {PYTHON_VARIABLE} is not, and {tree} has no venv",
                f"set {PYTHON_VARIABLE} to the Python program that runs this ComfyUI "
                "(in that ComfyUI's terminal: python -c 'import sys; print(sys.executable)')",
            )
        python = found
    return Host(tree, python, version_of(tree), True, wants_dynamic_vram(tree, environ))


def python_beside(tree: Path) -> Path | None:
    """Return the Python of a ComfyUI installation, searched where installers put it."""
    for name in ("venv", ".venv"):
        for program in ("bin/python", "Scripts/python.exe"):
            if (tree / name / program).is_file():
                return tree / name / program
    # The portable Windows build, which misspells the folder's name.
    portable = tree.parent / "python_embeded" / "python.exe"
    return portable if portable.is_file() else None


def version_of(tree: Path) -> str:
    """Return the version that a ComfyUI tree states, or 'unknown'."""
    for name, pattern in (
        ("comfyui_version.py", r"__version__\s*=\s*[\"']([^\"']+)"),
        ("pyproject.toml", r"(?m)^version\s*=\s*\"([^\"]+)"),
    ):
        if (tree / name).is_file():
            found = re.search(pattern, (tree / name).read_text("utf-8", errors="replace"))
            if found:
                return found[1]
    return "unknown"


def has_cuda(python: Path) -> bool:
    """Return whether torch in that Python sees a CUDA (or ROCm) device."""
    if not _may_have_cuda():
        return False
    probe = [str(python), "-c", "import torch; print(torch.cuda.is_available())"]
    answer = subprocess.run(probe, capture_output=True, text=True)
    if answer.returncode != 0:
        last = answer.stderr.strip().splitlines()[-1:] or ["no output"]
        raise StepError(
            "look for a CUDA device",
            f"{python} cannot import torch: {last[0]}",
            f"set {PYTHON_VARIABLE} to the Python that runs ComfyUI",
        )
    return answer.stdout.strip() == "True"


def _may_have_cuda() -> bool:
    """Return False on a system without a driver; this saves the seconds of importing torch."""
    if sys.platform == "linux":
        return any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))
    return sys.platform == "win32"
