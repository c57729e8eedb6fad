"""Fixtures of all tests. Tests of hypothesis draw the same examples on every run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# Machines differ in speed and two cores are shared: a deadline would only make tests flaky.
settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("suite")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test that pytest-xdist runs outside of its group, as 3.8.0 does with pytest 9.2."""
    group = item.get_closest_marker("xdist_group")
    is_grouped = getattr(item.config.option, "loadgroup", False)
    if is_grouped and group is not None and not item.nodeid.endswith(f"@{group.args[0]}"):
        pytest.fail(
            "pytest-xdist ignores groups with this version of pytest: install the packages of "
            "requirements-dev.txt (python3 dev.py setup)"
        )
