"""`dev.py generate`: write the files that follow from others, or say which of them are stale."""

from __future__ import annotations

import copy
from argparse import Namespace
from typing import Any

from devkit.generate.derived import derived_files, stale_files, translation_problems
from devkit.generate.templates import Template, all_templates, template
from devkit.messages import say
from devkit.server.graph_run import run_or_explain
from devkit.server.graph_settings import load_graph, nodes_of_type
from devkit.server.server import Server, check_pack_is_loaded, running_server
from devkit.server.websocket_client import Client, Graph
from devkit.setup.host import Host
from devkit.setup.layout import Layout

# toy-sd draws 128 x 128, and an SDXL template has the size that its user needs.
DRAWN_AT: dict[str, dict[str, Any]] = {
    name: {"width": 128, "height": 128}
    for name in ("EmptyLatentImage", "TipoDreamBoothDataset", "TipoClassImages")
}


def generate(layout: Layout, host: Host, args: Namespace) -> int:
    """Write the derived files and, on request, the cards; with `--check` write nothing.

    Returns 1 where a file is stale (`--check`) or the translation does not fit the nodes.
    """
    cards: list[Template] = []
    if args.cards is not None:
        cards = [template(layout.root, name) for name in args.cards] or all_templates(layout.root)
    with running_server(layout, host) as server, Client(server.url) as client:
        object_info = client.object_info()
        check_pack_is_loaded(object_info, server)
        problems = translation_problems(layout.root, object_info)
        if args.check:
            problems += [
                f"{path.as_posix()} is stale: run python3 dev.py generate"
                for path in stale_files(layout.root, object_info)
            ]
        else:
            for derived in derived_files(layout.root, object_info):
                if derived.is_stale:
                    derived.write()
                    print(f"written: {derived.path.relative_to(layout.root).as_posix()}")
            for one in cards:
                draw_card(one, client, server)
                print(f"drawn: {one.picture.relative_to(layout.root).as_posix()}")
    for problem in problems:
        say(problem)
    return 1 if problems else 0


def draw_card(one: Template, client: Client, server: Server) -> None:
    """Run a template with toy-sd and write the picture of its card."""
    # Imported here: no other command needs Pillow.
    from devkit.generate.cards import card_of, write_card

    graph = with_toy_sizes(load_graph(one.api))
    outcome = run_or_explain(client, server, graph, None)
    write_card(card_of(graph, outcome, server.base), one.picture)


def with_toy_sizes(graph: Graph) -> Graph:
    """Return the graph with the sizes that toy-sd draws."""
    small = copy.deepcopy(graph)
    for class_type, values in DRAWN_AT.items():
        for node_id in nodes_of_type(small, class_type):
            small[node_id]["inputs"].update(values)
    return small
