"""The address at which the page asks for tags: answers, bad requests, time."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest

from devkit.server.server import Server


def ask(server: Server, query: str) -> tuple[int, Any]:
    """Return the status and the JSON of an answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{server.url}/api/tipo/tags{query}", timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_letters_and_words_find_tags(server: Server) -> None:
    status, found = ask(server, "?q=long_h&limit=3")
    assert status == 200
    assert found["tags"][0]["tag"] == "long hair"
    assert len(found["tags"]) == 3
    status, found = ask(server, f"?q={quote('红发')}")
    assert (status, found["tags"][0]) == (200, {"tag": "red hair", "word": "红发"})


@pytest.mark.parametrize(
    "query",
    [
        *("?q=", "?q=%20", "?q=qzxqzx", "?q=a&limit=0", "?q=%ff%fe", "?q=%00", "?q=%ED%A0%80"),
        f"?q={'a%20' * 2000}",
    ],
)
def test_a_request_without_matches_gets_an_empty_list(server: Server, query: str) -> None:
    assert ask(server, query) == (200, {"tags": []})


@pytest.mark.parametrize("query", ["", "?limit=3", "?q=a&limit=x", "?q=a&limit=-1", "?q=a&limit="])
def test_a_wrong_request_is_refused_with_the_remedy(server: Server, query: str) -> None:
    status, found = ask(server, query)
    assert status == 400
    assert "ask for" in found["error"] or "write 1 to" in found["error"]


def test_a_large_limit_is_cut(server: Server) -> None:
    status, found = ask(server, f"?q=a&limit={'9' * 5000}")
    assert (status, len(found["tags"])) == (200, 50)


def test_an_answer_takes_milliseconds(server: Server) -> None:
    ask(server, "?q=a")  # the first search reads the files
    times = []
    for letters in ("a", "s", "bl", "long%20h", quote("红"), "um", "cat", "ha", "o", "t"):
        begin = time.perf_counter()
        ask(server, f"?q={letters}")
        times.append(time.perf_counter() - begin)
    assert sorted(times)[len(times) // 2] < 0.05, times
