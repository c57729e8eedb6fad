"""The registry archive: what it leaves out, and what the registry's checks ask of the rest."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Device and dtype are ComfyUI's to choose: a node pack asks `comfy.ops` and the model management.
FORBIDDEN = re.compile(
    r"torch\.autocast|\.cuda\(|\.to\(\s*[\"']cuda|(?<![\w.])nn\.(Linear|Conv\dd|LayerNorm|Embedding)\("
)


def archived() -> list[Path]:
    """The files of the archive: those of the repository that .comfyignore does not name."""
    lines = (ROOT / ".comfyignore").read_text("utf-8").splitlines()
    ignored = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [
        ROOT / name
        for name in names
        if not any(name == one or name.startswith(one.rstrip("/") + "/") for one in ignored)
    ]


@pytest.fixture(scope="module")
def files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout: the archive's files are those of the repository")
    return archived()


def test_what_the_registry_forbids_is_not_in_the_archive(files: list[Path]) -> None:
    sources = [path for path in files if path.suffix == ".py"]
    assert len(sources) > 100
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert not found


def test_no_node_imports_what_is_left_out(files: list[Path]) -> None:
    kept = {path.relative_to(ROOT).parts[:2] for path in files}
    assert ("tipo_core", "training") not in kept and ("tipo_core", "lm") in kept
    for path in files:
        text = path.read_text("utf-8") if path.suffix == ".py" else ""
        if path.relative_to(ROOT).parts[0] == "nodes":
            assert not re.search(r"from \.\.?(tipo_core\.training|devkit|tests)", text), path


def test_extensions_are_named_for_the_pack() -> None:
    """A page throws when two packs register one name."""
    for path in (ROOT / "web").glob("*.js"):
        for name in re.findall(
            r"registerExtension\(\{\s*name: \"([^\"]+)\"", path.read_text("utf-8")
        ):
            assert name.startswith("tiposuite."), path
