"""Queue one graph and wait for its end; a Ctrl-C cancels it on the server."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.error
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, TypeVar

from .http_client import Graph, HttpClient
from .server_events import ServerEvent, listening_to

_T = TypeVar("_T")
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds between two requests for the result
_SECONDS_BETWEEN_LOOKS = 5.0  # for a run that the server lost
_PATIENCE = 60.0  # seconds without an answer, or until a cancelled run has ended


class RunFailed(RuntimeError):
    """A node failed; the text names it and the reason."""


class RunCancelled(RuntimeError):
    """The run was cancelled on the server."""


def run_graph(
    client: HttpClient, graph: Graph, on_event: Callable[[ServerEvent], None] | None = None
) -> dict[str, Any]:
    """Queue a graph, wait for its end, and return what its nodes show, by node id.

    `on_event` gets the server's messages meanwhile, in a thread of its own. Ctrl-C withdraws or
    cancels the run, waits for its end and raises KeyboardInterrupt. Raises GraphRejected,
    RunFailed, RunCancelled, and ConnectionError where no ComfyUI answers for a minute.
    """
    listening = nullcontext() if on_event is None else listening_to(client, on_event)
    with listening:
        prompt_id = reached(client, lambda: client.queue(graph))
        try:
            entry = _ended(client, prompt_id)
        except KeyboardInterrupt:
            _cancel(client, prompt_id)
            raise
    return _outputs(entry)


def messages_of(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the messages of a run's history entry by their kind."""
    status = entry.get("status") or {}
    return {kind: data for kind, data in status.get("messages", [])}


def reached(client: HttpClient, call: Callable[[], _T]) -> _T:
    """Return call(); raise ConnectionError with the address where no ComfyUI answers."""
    try:
        return call()
    except urllib.error.HTTPError as error:
        raise ConnectionError(
            f"{client.url} answers {error.code} ({error.reason}) to {error.url}: is it a ComfyUI "
            "server of version 0.3.75 or newer?"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise ConnectionError(
            f"no ComfyUI server answers at {client.url} ({reason}): start it, or name it with "
            "--server"
        ) from error
    except json.JSONDecodeError as error:
        raise ConnectionError(
            f"{client.url} is not a ComfyUI server: name one with --server"
        ) from error


def _ended(client: HttpClient, prompt_id: str) -> dict[str, Any]:
    """Return the history entry of a run when it has ended."""
    pause, looked, answered = _SHORTEST_PAUSE, time.monotonic(), time.monotonic()
    while True:
        try:
            entry = client.history(prompt_id)
            if entry:
                return entry
            is_lost = False
            if time.monotonic() - looked > _SECONDS_BETWEEN_LOOKS:
                looked = time.monotonic()
                # A run that has just ended is in the history, no longer in the queue.
                is_lost = prompt_id not in client.queued() and not client.history(prompt_id)
            answered = time.monotonic()
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            if time.monotonic() - answered > _PATIENCE:
                return reached(client, lambda: client.history(prompt_id))
            is_lost = False
        if is_lost:
            raise RunFailed(
                "the server no longer knows the run: it was restarted, or its queue was cleared; "
                "run the same command again"
            )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _cancel(client: HttpClient, prompt_id: str) -> None:
    """Cancel a run, and wait until its node has ended, so that it can save its state."""
    with contextlib.suppress(OSError, http.client.HTTPException, json.JSONDecodeError):
        client.withdraw([prompt_id])
        client.interrupt(prompt_id)
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and prompt_id in client.queued():
            time.sleep(_LONGEST_PAUSE / 4)


def _outputs(entry: Mapping[str, Any]) -> dict[str, Any]:
    messages = messages_of(entry)
    if "execution_error" in messages:
        error = messages["execution_error"]
        raise RunFailed(
            f"node {error.get('node_id')} ({error.get('node_type')}): "
            f"{str(error.get('exception_message')).strip()}"
        )
    if "execution_interrupted" in messages:
        raise RunCancelled("the run was cancelled on the server")
    outputs: dict[str, Any] = entry.get("outputs", {})
    return outputs
