"""The browser of the browser tests, and the message without one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devkit.commands import checks
from devkit.commands.checks import run_checks
from devkit.messages import StepError
from devkit.setup.browser import (
    MISSING,
    VARIABLE,
    chromium_arguments,
    find_chromium,
    must_have_chromium,
)
from devkit.setup.layout import Layout


def test_the_named_browser_comes_first(tmp_path: Path) -> None:
    program = tmp_path / "my-chromium"
    program.touch()
    found = find_chromium({VARIABLE: str(program)}, {"chromium": "/usr/bin/chromium"}.get)
    assert found == program


def test_a_name_without_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        find_chromium({VARIABLE: str(tmp_path / "nothing")}, lambda name: None)
    assert VARIABLE in caught.value.remedy


def test_the_path_is_searched_in_order() -> None:
    programs = {"google-chrome": "/opt/chrome", "chromium-browser": "/snap/chromium"}
    assert find_chromium({}, programs.get) == Path("/snap/chromium")
    assert find_chromium({}, lambda name: None) is None


@pytest.mark.parametrize(("value", "must"), [("true", True), ("1", True), ("", False)])
def test_it_must_be_there_on_ci_machines(value: str, must: bool) -> None:
    assert must_have_chromium({"CI": value}) is must
    assert not must_have_chromium({})


@pytest.mark.parametrize(("user", "off"), [(0, True), (1000, False)])
def test_the_sandbox_is_off_for_root_alone(
    monkeypatch: pytest.MonkeyPatch, user: int, off: bool
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user, raising=False)
    assert ("--no-sandbox" in chromium_arguments()) is off


class Suite:
    """Records which parts of the suite were run; `results` has their exit codes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, browser: Path | None) -> None:
        self.parts: list[str] = []
        self.results: dict[str, int] = {}
        self.tools: list[str] = []
        monkeypatch.setattr(checks, "run_tool", self._run_tool)
        monkeypatch.setattr(checks, "find_chromium", lambda environ: browser)
        monkeypatch.setattr(subprocess, "run", self._run)

    def _run_tool(self, name: str, *args: object, **kwargs: object) -> list[str]:
        self.tools.append(name.split()[0])
        return []

    def _run(self, command: list[str], **kwargs: object) -> subprocess.CompletedProcess[str]:
        (part,) = (argument for argument in command if argument.startswith("tests/"))
        self.parts.append(part)
        return subprocess.CompletedProcess(command, self.results.get(part, 0))


ALL = ["tests/unit", "tests/host", "tests/browser"]


def test_the_browser_is_the_third_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = Suite(monkeypatch, Path("/usr/bin/chromium"))
    suite.results = {"tests/browser": 1}
    assert run_checks(Layout(tmp_path), []) == 1
    assert suite.parts == ALL


def test_a_part_that_fails_does_not_stop_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = Suite(monkeypatch, Path("/usr/bin/chromium"))
    suite.results = {"tests/host": 1}
    assert run_checks(Layout(tmp_path), []) == 1
    assert suite.parts == ALL


def test_an_interruption_stops_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = Suite(monkeypatch, Path("/usr/bin/chromium"))
    suite.results = {"tests/host": 2}
    assert run_checks(Layout(tmp_path), []) == 2
    assert suite.parts == ALL[:2]


def test_without_a_browser_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    suite = Suite(monkeypatch, None)
    assert run_checks(Layout(tmp_path), []) == 0
    assert suite.parts == ALL[:2]
    assert MISSING in capsys.readouterr().err


def test_without_a_browser_ci_runs_into_the_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    suite = Suite(monkeypatch, None)
    run_checks(Layout(tmp_path), [])
    assert suite.parts == ALL


def test_named_parts_alone_are_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = Suite(monkeypatch, None)
    assert run_checks(Layout(tmp_path), ["unit", "lint"]) == 0
    assert suite.parts == ["tests/unit"] and suite.tools == ["lint", "format"]


def test_with_coverage_every_part_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = Suite(monkeypatch, Path("/usr/bin/chromium"))
    assert run_checks(Layout(tmp_path), ["--coverage"]) == 0
    assert suite.parts == ALL and suite.tools == ["lint", "format", "types"]


def test_other_arguments_are_pytests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = Suite(monkeypatch, None)
    assert run_checks(Layout(tmp_path), ["tests/unit/lm", "-x"]) == 0
    assert suite.parts == ["tests/unit/lm"] and suite.tools == []
