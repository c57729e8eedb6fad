"""Chromium, and one ComfyUI server per front end, for the whole session.

Every test runs on each front end. Tests with the fixture `comfy` also run in both renderers, in a
page that is opened once and shared.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from devkit.server.server import Server
from devkit.setup.base_folder import prepare_base, put_examples, write_model_paths
from devkit.setup.browser import (
    MISSING,
    PINNED_FRONT_ENDS,
    chromium_arguments,
    ensure_front_end,
    find_chromium,
    must_have_chromium,
)
from devkit.setup.host import ensure_host
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import ensure_toy_sd
from tests.browser.comfy_page import ComfyPage, FrontEnd, new_tab

HERE = Path(__file__).resolve().parent
# The host's own front end (1.32.9 with the ComfyUI of dev.py), and the pinned newer ones.
OWN = "own"
FRONT_ENDS = (OWN, *PINNED_FRONT_ENDS)
# One process per front end: with more, each would start both servers.
GROUPED_FRONT_ENDS = [
    pytest.param(name, marks=pytest.mark.xdist_group(f"front end {name}")) for name in FRONT_ENDS
]
RENDERERS = ("classic", "nodes2")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder and run them after all others.

    Playwright keeps an event loop running in this thread, in which other tests may not start one.
    """
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    program = find_chromium(os.environ)
    if program is None:
        if must_have_chromium(os.environ):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(program), args=chromium_arguments(), headless=True
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session", params=GROUPED_FRONT_ENDS)
def front_end(
    request: pytest.FixtureRequest,
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[FrontEnd]:
    """A front end, served by a ComfyUI with a base folder of its own."""
    layout = this_checkout()
    host = ensure_host(layout, os.environ)
    ensure_toy_sd(layout, host)
    base = tmp_path_factory.mktemp("base")
    prepare_base(base, layout.root)
    put_examples(layout.root, base)
    folders = [layout.base] + ([host.tree] if host.is_users_own else [])
    root = None if request.param == OWN else ensure_front_end(layout, request.param)
    server = Server(
        host,
        base,
        layout.logs,
        model_paths=write_model_paths(base / "models.yaml", folders),
        front_end_root=root,
    )
    with server:
        yield FrontEnd(request.param, server.url, base)


@pytest.fixture(scope="session", params=RENDERERS)
def renderer(request: pytest.FixtureRequest) -> str:
    """The classic canvas (LiteGraph), or Nodes 2.0 (elements of the page)."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def shared_page(browser: Browser, front_end: FrontEnd, renderer: str) -> Iterator[ComfyPage]:
    """The page that the tests of one front end and renderer share."""
    with ExitStack() as stack:
        yield stack.enter_context(new_tab(browser, front_end, renderer))


@pytest.fixture
def comfy(shared_page: ComfyPage) -> ComfyPage:
    """The shared page without the messages of the test before."""
    shared_page.dismiss_alerts()
    shared_page.console.clear()
    return shared_page


class Screenshots:
    """Pictures of the page in .host/screenshots, one per test and moment."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.folder = folder
        self.prefix = prefix

    def take(self, comfy: ComfyPage, moment: str = "") -> None:
        """Save a picture of the page."""
        name = re.sub(r"[^\w.]+", "-", f"{self.prefix}-{moment}").strip("-")
        self.folder.mkdir(parents=True, exist_ok=True)
        comfy.still()
        comfy.page.screenshot(path=self.folder / f"{name}.png")


@pytest.fixture
def screenshots(request: pytest.FixtureRequest) -> Screenshots:
    """Takes pictures that are named after the test."""
    folder = this_checkout().host / "screenshots"
    return Screenshots(folder, request.node.name.removeprefix("test_"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the folder of the screenshots."""
    folder = this_checkout().host / "screenshots"
    if any(HERE in Path(report.fspath).resolve().parents for report in _passed(terminalreporter)):
        terminalreporter.write_line(f"screenshots: {folder}")


def _passed(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    kinds = ("passed", "failed")
    return [report for kind in kinds for report in reporter.stats.get(kind, [])]
