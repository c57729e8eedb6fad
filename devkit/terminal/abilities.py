"""The abilities of a terminal, by its own answers and by the environment.

Three questions go to the terminal at once. Every terminal answers the last one, so its answer also
says that no other will come:

    question                                            answer
    kitty: ESC _Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA ESC \\    ESC _Gi=31;OK ESC \\
    XTVERSION: ESC [>q                                  ESC P>|NAME VERSION ESC \\
    DA1: ESC [c                                         ESC [?62;4;...c, where 4 is sixel
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from select import select
from typing import Literal, TextIO

# kitty's and iTerm2's protocols take the file, sixel its pixels; "colours" and "256" are half
# blocks with colours of 24 bits or of the table of 256.
Ability = Literal["kitty", "iterm", "sixel", "colours", "256", "none"]

_QUESTIONS = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>q\x1b[c"
_LAST_ANSWER = re.compile(rb"\x1b\[\?([\d;]*)c")
_SECONDS = 1.0  # a remote terminal answers within a fraction of it
HALF_BLOCK = "\N{UPPER HALF BLOCK}"
# They print the first question, or answer none.
_NOT_ASKED = ("linux", "dumb", "")


def ability_of(
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
    ask: Callable[[], bytes] | None = None,
) -> Ability:
    """Return the best way to show a picture on `stream` (stdout); "none" for a pipe or a file."""
    stream = stream or sys.stdout
    if not stream.isatty():
        return "none"
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if term == "dumb":
        return "none"
    in_multiplexer = bool(environ.get("TMUX") or environ.get("STY"))
    answers = b""
    if term not in _NOT_ASKED and program != "Apple_Terminal":
        answers = (ask or ask_terminal)()
    if b"_Gi=31;OK" in answers:
        return "kitty"
    if b"iTerm2" in answers or (program == "iTerm.app" and not in_multiplexer):
        return "iterm"
    attributes = _LAST_ANSWER.search(answers)
    if attributes and b"4" in attributes[1].split(b";")[1:]:
        return "sixel"
    return _colours(stream, environ)


def _colours(stream: TextIO, environ: Mapping[str, str]) -> Ability:
    """Return which colours half blocks can have."""
    if environ.get("NO_COLOR"):
        return "none"
    try:
        HALF_BLOCK.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return "none"
    # Windows Terminal and the console of Windows 10 name no TERM.
    if environ.get("COLORTERM") in ("truecolor", "24bit") or environ.get("WT_SESSION"):
        return "colours"
    return "256" if "256" in environ.get("TERM", "") else "none"


def ask_terminal() -> bytes:
    """Return the terminal's answers; empty where none can be asked, as in a background job."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        return b""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp():
            return b""
        before = termios.tcgetattr(terminal)
        try:
            # Without echo and line by line reading: the answers are neither shown nor kept.
            tty.setcbreak(terminal)
            os.write(terminal, _QUESTIONS)
            return _read_answers(terminal)
        finally:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
            # For a terminal that prints the questions it does not understand.
            os.write(terminal, b"\r\x1b[K")
    except (OSError, termios.error):
        return b""
    finally:
        with contextlib.suppress(OSError):
            os.close(terminal)


def _read_answers(terminal: int) -> bytes:
    answers, deadline = b"", time.monotonic() + _SECONDS
    while not _LAST_ANSWER.search(answers):
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not select([terminal], [], [], remaining)[0]:
            break
        answers += os.read(terminal, 1024)
    return answers
