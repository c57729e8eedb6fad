"""Messages of a server during a run, from a websocket on this machine."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from tipo_core.comfy_api.http_client import HttpClient
from tipo_core.comfy_api.server_events import TEXT, ServerEvent, listening_to

LARGE = "x" * 5_000_000  # more than aiohttp takes by itself
SEEN_SECONDS = 10.0
Sends = Callable[[web.WebSocketResponse], Any]


@contextmanager
def websocket_server(sends: Sends, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """A server whose websocket runs `sends`; yields its address and what it saw."""
    seen: dict[str, Any] = {}
    loop = asyncio.new_event_loop()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        seen["client"] = request.query.get("clientId")
        answer = web.WebSocketResponse(autoping=False)
        await answer.prepare(request)
        await sends(answer)
        async for message in answer:
            if message.type == WSMsgType.PONG:
                seen["pong"] = message.data
        return answer

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_get(f"{prefix}/ws", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}{prefix}", seen
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(SEEN_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SEEN_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


async def a_run(socket: web.WebSocketResponse) -> None:
    await socket.send_str(json.dumps({"type": "status", "data": None}))
    await socket.send_bytes(struct.pack(">II", 1, 2) + b"a preview")
    text = "step 1/2\nloss 0.5, \u00fc".encode()
    await socket.send_bytes(struct.pack(">II", 3, 2) + b"12" + text)
    await socket.ping(b"are you there")
    await socket.send_str(json.dumps({"type": "executing", "data": {"node": "7", "more": LARGE}}))


def test_texts_and_messages_arrive_in_order() -> None:
    found: list[ServerEvent] = []
    with websocket_server(a_run) as (url, seen):
        client = HttpClient(url)
        with listening_to(client, found.append):
            until(lambda: len(found) == 2 and "pong" in seen)
    assert found == [
        ServerEvent(TEXT, {"node": "12", "text": "step 1/2\nloss 0.5, \u00fc"}),
        ServerEvent("executing", {"node": "7", "more": LARGE}),
    ]
    assert seen == {"client": client.client_id, "pong": b"are you there"}


def test_a_server_below_a_path() -> None:
    found: list[ServerEvent] = []
    with (
        websocket_server(a_run, "/comfy") as (url, _),
        listening_to(HttpClient(url), found.append),
    ):
        until(lambda: len(found) == 2)


async def ends(socket: web.WebSocketResponse) -> None:
    await socket.close()


def test_a_connection_that_ends_leaves_the_run_alone() -> None:
    with (
        websocket_server(ends) as (url, _),
        listening_to(HttpClient(url), lambda event: pytest.fail(str(event))),
    ):
        time.sleep(0.2)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://127.0.0.1:{port}"])
def test_without_a_websocket_there_is_no_progress(url: str) -> None:
    with websocket_server(ends) as (other, _):
        port = other.rpartition(":")[2]
        client = HttpClient(url.format(port=port) + "/nothing")
        with listening_to(client, lambda event: pytest.fail(str(event))):
            pass
