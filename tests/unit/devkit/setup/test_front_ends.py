"""A pinned front end is installed once, whole or not at all, and given to the server."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from devkit.messages import StepError
from devkit.server.server import Server
from devkit.setup import browser
from devkit.setup.browser import PINNED_FRONT_ENDS, ensure_front_end
from devkit.setup.host import Host
from devkit.setup.layout import Layout

(VERSION,) = PINNED_FRONT_ENDS


class Installer:
    """Stands for uv: makes the package's folder and records the command."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.commands: list[list[str]] = []

    def __call__(self, name: str, command: Sequence[str | Path], **options: object) -> list[str]:
        words = [str(word) for word in command]
        self.commands.append(words)
        target = Path(words[words.index("--target") + 1])
        static = target / "comfyui_frontend_package" / "static"
        static.mkdir(parents=True)
        if self.fails:
            raise StepError(name, "the network went away", "try again")
        (static / "index.html").write_text("<html>")
        return []


def test_it_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = Installer()
    monkeypatch.setattr(browser, "run_tool", uv)
    layout = Layout(tmp_path)
    static = ensure_front_end(layout, VERSION)
    assert (static / "index.html").is_file()
    assert layout.host in static.parents
    assert ensure_front_end(layout, VERSION) == static
    (command,) = uv.commands
    assert {"--no-deps", "--require-hashes"} <= set(command)
    requirement = Path(command[command.index("-r") + 1]).read_text("utf-8")
    assert requirement.strip().endswith(f"=={VERSION} --hash=sha256:{PINNED_FRONT_ENDS[VERSION]}")


def test_a_failed_installation_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "run_tool", Installer(fails=True))
    layout = Layout(tmp_path)
    with pytest.raises(StepError, match=VERSION):
        ensure_front_end(layout, VERSION)
    assert list((layout.host / "front-ends").iterdir()) == []
    monkeypatch.setattr(browser, "run_tool", Installer())
    assert (ensure_front_end(layout, VERSION) / "index.html").is_file()


def test_the_server_is_given_the_folder(tmp_path: Path) -> None:
    host = Host(tmp_path, Path(sys.executable), "0.0", False)
    plain = Server(host, tmp_path, tmp_path)
    assert "--front-end-root" not in plain.command()
    command = Server(host, tmp_path, tmp_path, front_end_root=tmp_path / "static").command()
    assert command[command.index("--front-end-root") + 1] == str(tmp_path / "static")
