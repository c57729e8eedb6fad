"""Row of a request whose text the page shows while it is written, against one without a page."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

from devkit.bench.benchmark import Aim, Benchmark, Figure, Setting, at_most_times
from devkit.setup.layout import Layout
from tipo_core import load_model
from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.tasks import Length

ROUNDS = 8
_MODEL = "tipo-nano"
_ROW = "request streamed, not streamed"
# The shipped model is the fastest one, so a listener's share is the largest one.
_REQUEST = ExpansionRequest(
    tags="1girl, " * 20,
    tag_length=Length.VERY_LONG,
    caption_length=Length.VERY_LONG,
    variants=4,
    pair_prior=False,
    at_least=True,
)


def result_stream(layout: Layout) -> ModuleType:
    """Return the module of TIPO Expand that sends drafts; it imports nothing of ComfyUI."""
    path = layout.root / "nodes" / "text" / "result_stream.py"
    spec = importlib.util.spec_from_file_location("result_stream", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def listening_server(send: Callable[[str, dict[str, Any], str], None]) -> SimpleNamespace:
    """Return what `draft_sender` reads of ComfyUI's server, with one page that listens."""
    return SimpleNamespace(
        client_id="page", sockets={"page": 1}, last_prompt_id="p", send_sync=send
    )


def _encoded(kind: str, values: dict[str, Any], client: str) -> None:
    """Take a message as ComfyUI's server does, which writes it as JSON."""
    json.dumps({"type": kind, "data": values, "client": client})


def _streaming(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Yield the least processor seconds of both."""
    sender = result_stream(setting.layout).draft_sender
    node = SimpleNamespace(hidden=SimpleNamespace(unique_id="1"))
    server = listening_server(_encoded)
    model = load_model(_MODEL)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * ROUNDS + 2):
        is_streamed = number % 2 == 1
        started = time.process_time()
        expand(model, _REQUEST, None, sender(node, server) if is_streamed else None)
        seconds[is_streamed].append(time.process_time() - started)
    # The first round compiles expressions and reads tables.
    streamed, plain = (min(seconds[is_streamed][1:]) for is_streamed in (True, False))
    yield names[0], Figure(streamed, plain)


STREAMING = Benchmark(
    "show a text while it is written", [Aim(_ROW, "s", at_most_times(1.02))], _streaming
)
