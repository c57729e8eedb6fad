from __future__ import annotations

import pytest

from tipo_core.error_collector import Mistakes


def note(mistakes: Mistakes, *texts: str) -> None:
    for text in texts:
        with mistakes.noted():
            raise ValueError(text)


def test_no_mistake_is_no_error() -> None:
    mistakes = Mistakes()
    with mistakes.noted():
        pass
    mistakes.raise_all()


def test_each_mistake_is_told_once_in_its_order() -> None:
    mistakes = Mistakes()
    note(mistakes, "b", "a", "b")
    with pytest.raises(ValueError, match=r"^b\na$"):
        mistakes.raise_all()


def test_many_are_counted() -> None:
    mistakes = Mistakes()
    note(mistakes, *(str(n) for n in range(25)))
    with pytest.raises(ValueError, match="and 5 more mistakes") as caught:
        mistakes.raise_all()
    assert len(str(caught.value).splitlines()) == 21


def test_other_errors_go_through() -> None:
    with pytest.raises(KeyError), Mistakes().noted():
        raise KeyError("x")
