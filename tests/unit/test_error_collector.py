from __future__ import annotations

import pytest

from tipo_core.error_collector import ErrorCollector


def note(errors: ErrorCollector, *texts: str) -> None:
    for text in texts:
        with errors.collect():
            raise ValueError(text)


def test_nothing_collected_raises_nothing() -> None:
    errors = ErrorCollector()
    with errors.collect():
        pass
    errors.raise_all()


def test_each_error_is_named_once_in_order() -> None:
    errors = ErrorCollector()
    note(errors, "b", "a", "b")
    with pytest.raises(ValueError, match=r"^b\na$"):
        errors.raise_all()


def test_many_are_counted() -> None:
    errors = ErrorCollector()
    note(errors, *(str(n) for n in range(25)))
    with pytest.raises(ValueError, match="and 5 more errors") as caught:
        errors.raise_all()
    assert len(str(caught.value).splitlines()) == 21


def test_other_errors_go_through() -> None:
    with pytest.raises(KeyError), ErrorCollector().collect():
        raise KeyError("x")
