"""The address at which the page asks for tags that begin with typed letters (web/autocomplete.js).

GET /tipo/tags?q=LETTERS&limit=10  ->  {"tags": [{"tag": "red hair", "word": "..."}, ...]}
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from .prompt_server import prompt_server

PATH = "/tipo/tags"
_LIMIT = 10


async def tags_answer(request: web.Request) -> web.Response:
    """Answer with the tags, best first; 400 and the remedy for a request of another form."""
    typed, limit = request.query.get("q"), request.query.get("limit", str(_LIMIT))
    if typed is None:
        return _refused(f"the letters are missing: ask for {PATH}?q=LETTERS")
    if not (limit.isascii() and limit.isdigit()):
        return _refused(f"limit {limit[:20]!r} is no number: write 1 to 50")
    from ..tipo_core.prompt.tag_search import LONGEST_QUERY, MOST_MATCHES, shipped_tags

    # More digits could be more than Python converts.
    most = int(limit[:6])

    def search() -> list[dict[str, str]]:
        return [match._asdict() for match in shipped_tags().search(typed, min(most, MOST_MATCHES))]

    if len(typed) > LONGEST_QUERY:
        return web.json_response({"tags": []})
    # In a thread: the first search reads the files of tags, which takes a moment.
    return web.json_response({"tags": await asyncio.to_thread(search)})


def _refused(problem: str) -> web.Response:
    return web.json_response({"error": problem}, status=400)


def add_tag_route() -> None:
    """Add the address to ComfyUI's server, if one is running in this process."""
    server = prompt_server()
    if server is not None:
        server.routes.get(PATH)(tags_answer)
