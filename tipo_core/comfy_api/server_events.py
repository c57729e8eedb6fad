"""Messages that a server sends during a run: progress, and texts on a running node.

They decorate a run; its result comes over HTTP, so a lost connection loses nothing but progress.
"""

from __future__ import annotations

import asyncio
import json
import logging
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from .http_client import HttpClient

_log = logging.getLogger("tipo-suite")
_SECONDS = 30  # for connecting
_PROGRESS_TEXT = 3  # type of ComfyUI's binary message with a text for a node
_LARGEST = 1 << 28  # bytes of a message; previews have some megabytes
TEXT = "progress_text"


@dataclass(frozen=True)
class ServerEvent:
    """A message: its type, such as progress or executing, and its values.

    `TEXT` is the text that a node shows while it runs: `node` and `text`.
    """

    kind: str
    data: dict[str, Any]


@contextmanager
def listening_to(client: HttpClient, on_event: Callable[[ServerEvent], None]) -> Iterator[None]:
    """Call `on_event` in a thread of its own for each message to the client, until the end.

    Where no websocket can be opened, such as behind a proxy, the events are missing and a line is
    logged.
    """
    listener = _Listener(client, on_event)
    listener.start()
    try:
        yield
    finally:
        listener.stop()


class _Listener:
    """A thread with an event loop that reads one websocket."""

    def __init__(self, client: HttpClient, on_event: Callable[[ServerEvent], None]) -> None:
        query = urllib.parse.urlencode({"clientId": client.client_id})
        self._url, self._on_event = f"{client.url}/ws?{query}", on_event
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(self._listen())
        self._is_tried = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin, and wait until the connection is open or cannot be."""
        self._thread.start()
        self._is_tried.wait(_SECONDS)

    def stop(self) -> None:
        """Close the connection."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(_SECONDS)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(asyncio.wait([self._task]))
        finally:
            self._is_tried.set()
            self._loop.close()

    async def _listen(self) -> None:
        import aiohttp  # slow to import, and only a followed run needs it

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.ws_connect(self._url, max_msg_size=_LARGEST) as connection,
            ):
                self._is_tried.set()
                async for message in connection:
                    event = _event(message.data)
                    if event is not None:
                        self._on_event(event)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            _log.info("the server shows no progress (%s)", error)


def _event(content: str | bytes) -> ServerEvent | None:
    """Return the event of a message; None for a preview and for a message without values."""
    if isinstance(content, str):
        message = json.loads(content)
        data = message.get("data") if isinstance(message, dict) else None
        return ServerEvent(str(message["type"]), data) if isinstance(data, dict) else None
    if len(content) < 8 or int.from_bytes(content[:4], "big") != _PROGRESS_TEXT:
        return None
    length = int.from_bytes(content[4:8], "big")
    node = content[8 : 8 + length].decode("utf-8", "replace")
    return ServerEvent(
        TEXT, {"node": node, "text": content[8 + length :].decode("utf-8", "replace")}
    )
