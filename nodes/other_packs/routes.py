"""The server's route by which the page converts a workflow."""

from __future__ import annotations

import asyncio
from typing import Any

from ..prompt_server import prompt_server

ROUTE = "/tipo/migrate"


def add_migrate_route() -> None:
    """Add `POST /tipo/migrate` to ComfyUI's server, if one runs.

    The body is a workflow. The answer has the converted `workflow`, the number of `replaced` nodes,
    and the `notes`: pairs of a text, and whether something was lost.
    """
    server = prompt_server()
    if server is None:
        return
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response(await asyncio.to_thread(converted, await request.json()))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)

    server.routes.post(ROUTE)(answer)


def converted(values: Any) -> dict[str, Any]:
    """Return the answer for a workflow. Raises ValueError for another value."""
    from ...tipo_core.migrate.commands import migrate_values

    migrated = migrate_values(values)
    if migrated is None:
        raise ValueError("this is no workflow: send the page's workflow or a graph in API form")
    return {
        "workflow": migrated.workflow,
        "replaced": sum(migrated.counts.values()),
        "notes": [[str(one), one.note.is_lost] for one in migrated.findings],
    }
