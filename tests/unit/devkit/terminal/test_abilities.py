"""The abilities of a terminal: answers of real terminals, and a terminal played by the test."""

from __future__ import annotations

import io
import os
import select
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from devkit.terminal.abilities import ability_of, ask_terminal


class Screen(io.StringIO):
    """A stream that says whether it is a terminal, and its encoding."""

    def __init__(self, is_terminal: bool = True, encoding: str = "utf-8") -> None:
        super().__init__()
        self._is_terminal = is_terminal
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._is_terminal


TRUE_COLOUR = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


def ability(
    answers: bytes, environ: Mapping[str, str] = TRUE_COLOUR, screen: Screen | None = None
) -> str:
    return ability_of(screen or Screen(), environ, lambda: answers)


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        (b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.35.2)\x1b\\\x1b[?62;52;c", "kitty"),
        (b"\x1b_Gi=31;OK\x1b\\\x1bP>|ghostty 1.0.1\x1b\\\x1b[?62;22c", "kitty"),
        (b"\x1bP>|iTerm2 3.5.0\x1b\\\x1b[?64;1;2;4;6;17;18;21;22c", "iterm"),
        (b"\x1bP>|foot(1.16.2)\x1b\\\x1b[?62;4;22c", "sixel"),
        # tmux built with sixel, and without.
        (b"\x1b[?1;2;4c", "sixel"),
        (b"\x1b[?1;2c", "colours"),
        # xterm without sixel; the leading 64 and the 40 hold a 4 and are no 4.
        (b"\x1bP>|XTerm(390)\x1b\\\x1b[?64;1;2;6;9;15;40c", "colours"),
        (b"\x1b_Gi=31;ENOTSUPPORTED\x1b\\\x1b[?62c", "colours"),
        (b"", "colours"),
    ],
)
def test_the_terminals_answers_decide(answers: bytes, shown: str) -> None:
    assert ability(answers) == shown


def test_without_answers_the_environment_decides() -> None:
    assert ability(b"", {"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}) == "iterm"
    # tmux does not pass iTerm2's pictures on.
    inside = {"TERM": "screen-256color", "TERM_PROGRAM": "iTerm.app", "TMUX": "/tmp/tmux"}
    assert ability(b"", inside) == "256"
    assert ability(b"", {"TERM": "xterm-256color"}) == "256"
    assert ability(b"", {"TERM": "vt100"}) == "none"
    assert ability(b"", {"WT_SESSION": "1"}) == "colours"
    assert ability(b"", {**TRUE_COLOUR, "NO_COLOR": "1"}) == "none"


def test_no_picture_goes_where_it_would_be_noise() -> None:
    yes = b"\x1b_Gi=31;OK\x1b\\\x1b[?62c"
    assert ability(yes, screen=Screen(is_terminal=False)) == "none"
    assert ability(yes, {"TERM": "dumb"}) == "none"
    assert ability(b"", screen=Screen(encoding="ascii")) == "none"


@pytest.mark.parametrize("environ", [{"TERM": "linux"}, {"TERM_PROGRAM": "Apple_Terminal"}])
def test_terminals_that_print_the_question_are_not_asked(environ: dict[str, str]) -> None:
    def ask() -> bytes:
        raise AssertionError("asked")

    ability_of(Screen(), {"TERM": "xterm", **environ}, ask)


def play_terminal(answers: bytes, target: Path) -> tuple[bytes, float]:
    """Ask a terminal that gives these answers; return all that it was sent, and the seconds."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        target.write_bytes(ask_terminal())
        os._exit(0)
    sent, started = b"", time.monotonic()
    answered = False
    while True:
        if not answered and sent.endswith(b"\x1b[c"):
            os.write(terminal, answers)
            answered = True
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                piece = os.read(terminal, 1024)
            except OSError:  # Linux: the child has closed its end
                piece = b""
            if not piece:
                break
            sent += piece
        assert time.monotonic() - started < 20
    os.waitpid(child, 0)
    os.close(terminal)
    return sent, time.monotonic() - started


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_terminal_is_asked_without_an_echo(tmp_path: Path) -> None:
    answers = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.35.2)\x1b\\\x1b[?62;52;c"
    sent, _ = play_terminal(answers, tmp_path / "answers")
    assert (tmp_path / "answers").read_bytes() == answers
    assert b"OK" not in sent and sent.endswith(b"\r\x1b[K")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_silent_terminal_is_waited_for_briefly(tmp_path: Path) -> None:
    _, seconds = play_terminal(b"", tmp_path / "answers")
    assert (tmp_path / "answers").read_bytes() == b""
    assert seconds < 10
