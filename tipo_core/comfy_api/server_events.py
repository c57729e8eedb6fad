"""Messages that a server sends during a run: progress, and texts on a running node.

A small client of WebSocket (RFC 6455) with the standard library, which only listens. The messages
decorate a run; its result comes over HTTP, so a lost connection loses nothing but progress.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import logging
import os
import socket
import ssl
import struct
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from threading import Thread
from typing import Any

from .http_client import HttpClient

_log = logging.getLogger("tipo-suite")
_SECONDS = 30  # for connecting
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
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


class _Closed(Exception):
    """The server closed the connection."""


@contextmanager
def listening_to(client: HttpClient, on_event: Callable[[ServerEvent], None]) -> Iterator[None]:
    """Call `on_event` in a thread of its own for each message to the client, until the end.

    Where no websocket can be opened, such as behind a proxy, the events are missing and a line is
    logged.
    """
    try:
        connection = _connect(client)
    except (OSError, ValueError, _Closed) as error:
        _log.info("the server shows no progress (%s)", error)
        yield
        return
    stream = connection.makefile("rb")
    thread = Thread(target=_read_all, args=(connection, stream, on_event), daemon=True)
    thread.start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        thread.join(_SECONDS)
        stream.close()
        connection.close()


def _connect(client: HttpClient) -> socket.socket:
    """Return an open websocket to the client's server."""
    parts = urllib.parse.urlsplit(client.url)
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    connection = socket.create_connection((host, parts.port or (443 if secure else 80)), _SECONDS)
    try:
        if secure:
            connection = ssl.create_default_context().wrap_socket(connection, server_hostname=host)
        key = base64.b64encode(os.urandom(16)).decode()
        query = urllib.parse.urlencode({"clientId": client.client_id})
        lines = (
            f"GET {parts.path}/ws?{query} HTTP/1.1",
            f"Host: {parts.netloc.rpartition('@')[2]}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        )
        connection.sendall("\r\n".join((*lines, "", "")).encode("ascii"))
        _check_answer(connection, key)
        connection.settimeout(None)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_answer(connection: socket.socket, key: str) -> None:
    """Read the server's headers byte by byte, so that no byte of a message is taken with them."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = connection.recv(1)
        if not more or len(head) > 1 << 16:
            raise _Closed("no websocket answers")
        head += more
    status, *headers = head.decode("latin-1").split("\r\n")
    values = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in headers)
    }
    right = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
    if " 101" not in status or values.get("sec-websocket-accept") != right:
        raise _Closed(f"no websocket: {status}")


def _read_all(
    connection: socket.socket, stream: BufferedReader, on_event: Callable[[ServerEvent], None]
) -> None:
    try:
        for kind, content in _messages(connection, stream):
            event = _event(kind, content)
            if event is not None:
                on_event(event)
    except (OSError, ValueError, _Closed) as error:
        _log.debug("the connection for progress ended: %s", error)


def _messages(connection: socket.socket, stream: BufferedReader) -> Iterator[tuple[int, bytes]]:
    """Yield whole messages as (opcode, content); answer pings."""
    kind, parts = 0, b""
    while True:
        is_last, opcode, content = _frame(stream)
        if opcode == _CLOSE:
            return
        if opcode == _PING:
            connection.sendall(_masked(_PONG, content))
        elif opcode in (_TEXT, _BINARY, _CONTINUATION):
            kind, parts = (kind, parts + content) if opcode == _CONTINUATION else (opcode, content)
            if len(parts) > _LARGEST:
                raise ValueError("a message is too long")
            if is_last:
                yield kind, parts


def _frame(stream: BufferedReader) -> tuple[bool, int, bytes]:
    """Return whether a frame is its message's last, its opcode and content."""
    first, second = _exactly(stream, 2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack(">H", _exactly(stream, 2))
    elif length == 127:
        (length,) = struct.unpack(">Q", _exactly(stream, 8))
    if length > _LARGEST:
        raise ValueError("a message is too long")
    mask = _exactly(stream, 4) if second & 0x80 else b""
    content = _exactly(stream, length)
    return bool(first & 0x80), first & 0x0F, _unmasked(content, mask) if mask else content


def _exactly(stream: BufferedReader, count: int) -> bytes:
    content = stream.read(count)
    if content is None or len(content) < count:
        raise _Closed("the server closed the connection")
    return content


def _masked(opcode: int, content: bytes) -> bytes:
    """Return a short frame of a client: clients mask their content."""
    mask, content = os.urandom(4), content[:125]
    return bytes((0x80 | opcode, 0x80 | len(content))) + mask + _unmasked(content, mask)


def _unmasked(content: bytes, mask: bytes) -> bytes:
    return bytes(byte ^ mask[n % 4] for n, byte in enumerate(content))


def _event(kind: int, content: bytes) -> ServerEvent | None:
    if kind == _TEXT:
        message = json.loads(content)
        data = message.get("data") if isinstance(message, dict) else None
        return ServerEvent(str(message["type"]), data) if isinstance(data, dict) else None
    if len(content) < 8 or int.from_bytes(content[:4], "big") != _PROGRESS_TEXT:
        return None  # a preview
    length = int.from_bytes(content[4:8], "big")
    node = content[8 : 8 + length].decode("utf-8", "replace")
    return ServerEvent(
        TEXT, {"node": node, "text": content[8 + length :].decode("utf-8", "replace")}
    )
