"""`dev.py templates`: makes what follows from the templates, their API forms and their cards."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from devkit.commands.demo import run_or_explain
from devkit.generate.templates import Template, all_templates, template, write_api_forms
from devkit.server.graph_settings import load_graph, nodes_of_type
from devkit.server.server import Server
from devkit.server.session import check_pack_is_loaded, running_server
from devkit.server.websocket_client import Client, Graph
from devkit.setup.host import Host
from devkit.setup.layout import Layout

# toy-sd draws 128 x 128, and an SDXL template has the size that its user needs.
DRAWN_AT: dict[str, dict[str, Any]] = {"EmptyLatentImage": {"width": 128, "height": 128}}


def generate(layout: Layout, host: Host, names: Sequence[str], with_cards: bool) -> int:
    """Write the API forms, and with `with_cards` draw the cards, of all or of the named ones."""
    chosen = [template(layout.root, name) for name in names] or all_templates(layout.root)
    with running_server(layout, host) as server, Client(server.url) as client:
        object_info = client.object_info()
        check_pack_is_loaded(object_info, server)
        for path in write_api_forms(chosen, object_info):
            print(f"written: {path.relative_to(layout.root)}")
        for one in chosen if with_cards else ():
            draw_card(one, client, server)
            print(f"drawn: {one.picture.relative_to(layout.root)}")
    return 0


def draw_card(one: Template, client: Client, server: Server) -> None:
    """Run a template with toy-sd and write the picture of its card."""
    # Imported here: no other command needs Pillow.
    from devkit.generate.cards import card_of, write_card

    graph = drawn_small(load_graph(one.api))
    outcome = run_or_explain(client, server, graph, None)
    write_card(card_of(graph, outcome, server.base), one.picture)


def drawn_small(graph: Graph) -> Graph:
    """Return the graph with the sizes that toy-sd draws."""
    small = copy.deepcopy(graph)
    for class_type, values in DRAWN_AT.items():
        for node_id in nodes_of_type(small, class_type):
            small[node_id]["inputs"].update(values)
    return small
