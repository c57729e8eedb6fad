"""Retries after out-of-memory errors: the errors that count, the memory freed, the last error."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import pytest
import torch

from tipo_core.memory import first_that_fits, is_out_of_memory, with_second_try

ADVICE = "choose a smaller model"


class Script:
    """Attempts that fit from some index on; `log` holds the attempts and "room", in order."""

    def __init__(self, fits_from: int) -> None:
        self.fits_from = fits_from
        self.log: list[str] = []

    def run(self, attempt: str) -> str:
        self.log.append(attempt)
        if len(self.log) - self.log.count("room") <= self.fits_from:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return f"result of {attempt}"

    def make_room(self) -> None:
        self.log.append("room")

    def first_of(self, *attempts: str) -> tuple[str, int]:
        return first_that_fits(attempts, self.run, self.make_room, ADVICE)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        MemoryError(),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 bytes"),
        RuntimeError("Could not allocate tensor. There is not enough GPU video memory available!"),
    ],
)
def test_every_backends_message_is_recognised(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("out of memory")])
def test_other_errors_are_not_retried(error: Exception) -> None:
    calls: list[int] = []

    def run() -> None:
        calls.append(1)
        raise error

    assert not is_out_of_memory(error)
    with pytest.raises(type(error), match=str(error)):
        with_second_try(run, lambda: pytest.fail("freed memory"), ADVICE)
    assert len(calls) == 1


def test_enough_memory_is_one_attempt_and_frees_nothing() -> None:
    script = Script(fits_from=0)
    assert script.first_of("whole", "tiles") == ("result of whole", 0)
    assert script.log == ["whole"]


def test_memory_is_freed_before_each_further_attempt() -> None:
    script = Script(fits_from=2)
    assert script.first_of("whole", "whole", "tiles", "small tiles") == ("result of tiles", 2)
    assert script.log == ["whole", "room", "whole", "room", "tiles"]


def test_advice_is_the_error_if_no_attempt_fits() -> None:
    script = Script(fits_from=9)
    with pytest.raises(RuntimeError, match=rf"^{ADVICE}$"):
        script.first_of("whole", "tiles")
    assert script.log == ["whole", "room", "tiles"]


def test_a_second_try_is_one_more_attempt() -> None:
    script = Script(fits_from=1)
    assert with_second_try(lambda: script.run("run"), script.make_room, ADVICE) == "result of run"
    script = Script(fits_from=2)
    with pytest.raises(RuntimeError, match=ADVICE):
        with_second_try(lambda: script.run("run"), script.make_room, ADVICE)
    assert script.log == ["run", "room", "run"]


def test_tensors_of_the_failed_run_are_freed_before_room_is_made() -> None:
    class Tensors:
        pass

    held_by: list[Callable[[], object]] = []
    alive: list[bool] = []

    def run() -> str:
        if held_by:
            return "done"
        tensors = Tensors()
        held_by.append(weakref.ref(tensors))
        raise MemoryError

    def make_room() -> None:
        alive.append(held_by[0]() is not None)

    assert with_second_try(run, make_room, ADVICE) == "done"
    assert alive == [False]
