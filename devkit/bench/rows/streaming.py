"""Row of a text that the page shows while it is written: the share of that in a request."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

from devkit.bench.benchmark import Aim, Benchmark, Figure, Setting, at_most
from devkit.setup.layout import Layout
from tipo_core import load_model
from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.shown.draft import Draft
from tipo_core.expansion.tasks import Length

_MODEL = "tipo-nano"
_ROW = "streaming, share of a request"
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
    """Yield the share of the listener in a request's seconds, in percent."""
    node = SimpleNamespace(hidden=SimpleNamespace(unique_id="1"))
    send = result_stream(setting.layout).draft_sender(node, listening_server(_encoded))
    sending = 0.0

    def timed(shown: Sequence[Draft]) -> None:
        nonlocal sending
        started = time.perf_counter()
        send(shown)
        sending += time.perf_counter() - started

    model = load_model(_MODEL)
    expand(model, ExpansionRequest(tags="a cat"))  # compiles expressions, reads tables
    started = time.perf_counter()
    expand(model, _REQUEST, None, timed)
    yield names[0], Figure(100 * sending / (time.perf_counter() - started))


STREAMING = Benchmark("show a text while it is written", [Aim(_ROW, "%", at_most(2))], _streaming)
