"""`dev.py serve`: the page's address, and the browser."""

from __future__ import annotations

import socket
import webbrowser

import pytest

from devkit import cli
from devkit.commands.serve_and_host import open_page
from devkit.server import server

URL = "http://127.0.0.1:8188"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that a browser was asked to open."""
    pages: list[str] = []

    def open_it(url: str) -> bool:
        pages.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_it)
    return pages


def test_the_browser_opens_where_it_has_a_window(opened: list[str]) -> None:
    assert open_page(URL, {"DISPLAY": ":0"}, "linux")
    assert open_page(URL, {}, "darwin")
    assert open_page(URL, {}, "win32")
    assert opened == [URL] * 3


def test_no_text_browser_opens_in_the_terminal(opened: list[str]) -> None:
    assert not open_page(URL, {}, "linux")
    assert not opened


def test_the_page_keeps_its_address_while_the_port_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(server, "PAGE_PORT", taken)
        assert server.page_port() != taken
    assert server.page_port() == taken


def test_serve_has_the_option() -> None:
    assert cli.parser().parse_args(["serve", "--open"]).open
    assert not cli.parser().parse_args(["serve"]).open
