"""Values of a wrong type, NUL and ../ in names: one clear error each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from tests.host.inside import run_inside

Found = dict[str, Any]


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The results of hosted_wrong_values.py."""
    base: Path = tmp_path_factory.mktemp("base")
    found: Found = run_inside(host, "server/hosted_wrong_values.py", base)
    return found


def test_a_wrong_type_is_named_with_its_input(results: Found) -> None:
    assert len(results["types"]) > 40
    for place, errors in results["types"].items():
        name = place.split()[1]
        for error in errors:
            assert error.startswith(f"ValueError: {name} is "), (place, error)
            assert ": type it" in error or ": choose one" in error or ": connect" in error
            assert len(error) < 300


def test_a_wrong_name_in_the_graph_is_refused_before_the_run(results: Found) -> None:
    for node, answers in results["validated"].items():
        for answer in answers:
            assert isinstance(answer, str), (node, answer)
            assert "Error: " not in answer, (node, answer)


def test_names_are_refused_with_the_remedy(results: Found) -> None:
    for place, error in results["names"].items():
        assert error.startswith(("ValueError: ", "FileNotFoundError: ")), (place, error)
        assert "\0" not in error and "\n" not in error and len(error) < 2000, (place, error)
        if place.startswith("save"):
            assert "write a name such as" in error, (place, error)
