"""The messages with the text so far: at most ten a second, nothing without a listener, cheap."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tipo_core import load_model
from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.shown import draft as drafts
from tipo_core.expansion.shown.draft import Draft
from tipo_core.expansion.stream_filter import StreamFilter
from tipo_core.expansion.tasks import Field, Length

SOURCE = Path(__file__).resolve().parents[4] / "nodes" / "text" / "result_stream.py"
NODE = SimpleNamespace(hidden=SimpleNamespace(unique_id="7"))


@pytest.fixture(scope="module")
def stream() -> ModuleType:
    """The node's module, which needs nothing of ComfyUI but a running server."""
    spec = importlib.util.spec_from_file_location("result_stream", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The values of the messages to the client `page` of a server, which encodes them as JSON."""
    messages: list[dict[str, Any]] = []

    def send_sync(kind: str, values: dict[str, Any], client: str) -> None:
        assert (kind, client) == ("tipo.draft", "page")
        messages.append(json.loads(json.dumps(values)))

    instance = SimpleNamespace(
        client_id="page", sockets={"page": 1}, last_prompt_id="p", send_sync=send_sync
    )
    server = SimpleNamespace(PromptServer=SimpleNamespace(instance=instance))
    monkeypatch.setitem(sys.modules, "server", server)  # type: ignore[arg-type]
    return messages


def test_at_most_ten_messages_a_second(stream: ModuleType, sent: list[dict[str, Any]]) -> None:
    now = 5.0
    send = stream.draft_sender(NODE, lambda: now)
    draft = Draft(("1girl", "x" * 5000))
    draft.accept(Field.TAG, " hat")
    for step in range(1000):
        now = 5.0 + step / 1000
        draft.write(Field.TAG, f" coat {step}")
        send([draft])
    assert len(sent) == 10
    first, second = sent[:2]
    assert first["typed"] == [["1girl", "\u2026" + "x" * 4000]] and "typed" not in second
    assert (first["node"], first["prompt_id"], first["version"]) == ("7", "p", 1)
    (written,) = second["drafts"]
    assert written["tags"].startswith("hat, coat 10") and written["caption"] == ""


@pytest.mark.parametrize("change", ["no client", "closed", "no server", "no node", "no module"])
def test_nothing_is_made_where_nobody_listens(
    change: str, stream: ModuleType, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Any = sys.modules["server"]
    if change == "no client":
        server.PromptServer.instance.client_id = None
    if change == "closed":
        server.PromptServer.instance.sockets = {}
    if change == "no server":
        server.PromptServer = SimpleNamespace()
    if change == "no module":
        monkeypatch.delitem(sys.modules, "server")
    node = SimpleNamespace(hidden=None) if change == "no node" else NODE
    assert stream.draft_sender(node) is None


def test_it_costs_less_than_a_fiftieth_of_a_request(
    stream: ModuleType, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of all that a listener adds, beside the time of the run itself."""
    added = 0.0
    watched_filter = drafts._watched_filter

    class TimedFilter(StreamFilter):
        """The filter of a run without a listener, with its time."""

        seconds = 0.0

        def __call__(self, text: str) -> bool:
            started = time.perf_counter()
            must_stop = super().__call__(text)
            TimedFilter.seconds += time.perf_counter() - started
            return must_stop

    def timed(
        filter_: StreamFilter, draft: Draft, show: Callable[[], None]
    ) -> Callable[[str], bool]:
        filter_.__class__ = TimedFilter
        watched = watched_filter(filter_, draft, show)

        def should_stop(text: str) -> bool:
            nonlocal added
            TimedFilter.seconds = 0.0
            started = time.perf_counter()
            must_stop = watched(text)
            added += time.perf_counter() - started - TimedFilter.seconds
            return must_stop

        return should_stop

    monkeypatch.setattr(drafts, "_watched_filter", timed)
    model = load_model("tipo-nano")
    request = ExpansionRequest(
        tags="1girl, " * 20,
        tag_length=Length.VERY_LONG,
        caption_length=Length.VERY_LONG,
        variants=4,
        pair_prior=False,
        at_least=True,
    )
    expand(model, ExpansionRequest(tags="a cat"))  # compiles, reads the tables
    started = time.perf_counter()
    results = expand(model, request, None, stream.draft_sender(NODE))
    seconds = time.perf_counter() - started
    tokens = sum(report.result.new_tokens for one in results for report in one.passes)
    print(f"{tokens} tokens in {seconds:.2f} s, {len(sent)} messages: {added / seconds:.2%}")
    assert len(sent) > 3
    assert added < 0.02 * seconds
