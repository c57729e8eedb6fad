"""Work on long texts in a thread of its own: results, errors and cancels."""

from __future__ import annotations

import threading

import pytest

from tipo_core.listening import SHORT_TEXT, Abandoned, listening, stop_if_abandoned

LONG = SHORT_TEXT + 1


class Cancel(BaseException):
    """As ComfyUI's interrupt, which is no Exception in newer versions."""


def test_a_short_text_is_read_in_the_callers_thread_after_one_check() -> None:
    checks: list[None] = []
    found = listening(threading.current_thread, lambda: checks.append(None), SHORT_TEXT)
    assert found is threading.current_thread() and len(checks) == 1


def test_a_long_text_gives_the_result_or_the_error_of_the_work() -> None:
    assert listening(lambda: threading.current_thread(), lambda: None, LONG) is not (
        threading.current_thread()
    )

    def fail() -> None:
        raise ValueError("a bad rule")

    with pytest.raises(ValueError, match="a bad rule"):
        listening(fail, lambda: None, LONG)


def test_a_cancel_is_heard_while_one_call_still_runs() -> None:
    """The call cannot be cut: it ends only after the caller has been cancelled."""
    is_heard, is_over = threading.Event(), threading.Event()
    ended: list[str] = []

    def work() -> None:
        assert is_heard.wait(60)
        try:
            assert stop_if_abandoned()
        except Abandoned:
            ended.append("abandoned")
        is_over.set()

    checks = 0

    def check() -> None:
        nonlocal checks
        checks += 1
        if checks == 3:
            raise Cancel

    with pytest.raises(Cancel):
        listening(work, check, LONG)
    is_heard.set()
    assert is_over.wait(60)
    assert ended == ["abandoned"] and checks == 3
    assert not stop_if_abandoned()


def test_work_in_work_needs_no_second_thread() -> None:
    def outer() -> bool:
        return listening(threading.current_thread, lambda: None, LONG) is threading.current_thread()

    assert listening(outer, lambda: None, LONG)
