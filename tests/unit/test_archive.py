"""The registry archive: its size, its imports, and the registry's rules for its sources."""

from __future__ import annotations

import re
import subprocess
import zlib
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


def test_no_module_of_the_archive_imports_what_is_left_out(files: list[Path]) -> None:
    kept = {path.relative_to(ROOT) for path in files}
    assert not any(path.parts[:2] == ("tipo_core", "training") for path in kept)
    assert Path("tipo_core/lm/__init__.py") in kept
    left_out = re.compile(
        r"^\s*(?:from|import) +(?:\.*(?:tipo_core)?\.training|lab|devkit|tests)\b", re.MULTILINE
    )
    importing = [
        path for path in files if path.suffix == ".py" and left_out.search(path.read_text("utf-8"))
    ]
    assert not importing


def test_the_archive_stays_small(files: list[Path]) -> None:
    """tipo-nano (24.6 MB) and the name lists (4.2 MB) are needed; the rest is text and icons.

    Every installation downloads the archive: pictures of pages and weights for tests stay outside.
    """
    assets = ROOT / "tipo_core" / "assets"
    needed = sum(path.stat().st_size for path in files if path.is_relative_to(assets))
    # As the archive holds them, which is a zip file: text takes a third of its size there.
    other = sum(
        len(zlib.compress(path.read_bytes())) for path in files if not path.is_relative_to(assets)
    )
    assert needed < 31_000_000
    assert other < 1_800_000


def test_extensions_are_named_for_the_pack() -> None:
    """A page throws when two packs register one name."""
    for path in (ROOT / "web").glob("*.js"):
        for name in re.findall(
            r"registerExtension\(\{\s*name: \"([^\"]+)\"", path.read_text("utf-8")
        ):
            assert name.startswith("tiposuite."), path
