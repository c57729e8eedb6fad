"""Sends a text to the page that has queued the run, while the model writes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...tipo_core.expansion.shown.draft import Draft

# The type of the message; docs/results-json.md describes its values.
EVENT = "tipo.draft"
VERSION = 1
# At most ten messages a second.
SECONDS = 0.1
# Characters of each of the user's texts that are sent: the end, which the additions follow.
_MOST_TYPED = 4000


def draft_sender(
    node: Any, server: Any, clock: Callable[[], float] = time.monotonic
) -> Callable[[Sequence[Draft]], None] | None:
    """Return the function that sends drafts of the running node; None if nobody listens.

    `server` is ComfyUI's `PromptServer`, None where no server runs.
    """
    client = getattr(server, "client_id", None)
    unique_id = getattr(getattr(node, "hidden", None), "unique_id", None)
    if client is None or unique_id is None or client not in getattr(server, "sockets", {}):
        return None
    prompt_id = getattr(server, "last_prompt_id", None)
    sent_at: float | None = None

    def send(drafts: Sequence[Draft]) -> None:
        nonlocal sent_at
        now = clock()
        if sent_at is not None and now - sent_at < SECONDS:
            return
        values: dict[str, Any] = {"version": VERSION, "node": unique_id, "prompt_id": prompt_id}
        if sent_at is None:
            values["typed"] = [[_end_of(text) for text in draft.typed] for draft in drafts]
        values["drafts"] = [{"tags": one.tags, "caption": one.caption} for one in drafts]
        server.send_sync(EVENT, values, client)
        sent_at = now

    return send


def _end_of(text: str) -> str:
    return text if len(text) <= _MOST_TYPED else f"\u2026{text[-_MOST_TYPED:]}"
