"""TIPO Ban Rules: the examples of its help page, and rules of another node."""

from __future__ import annotations

from devkit.server.websocket_client import Client, Graph
from tests.host.graphs import ended
from tests.host.report_lines import line_with
from tests.host.text.prompt_graphs import LIMIT, add

# Rules, tags they ban, tags they allow: the table of the help page.
BAN_EXAMPLES = [
    ("hat", "hat, Hat", "hat ribbon, witch hat"),
    ("cat ears", "cat ears, cat_ears", "ears"),
    ("*hat", "hat, witch hat", "hat ribbon"),
    ("*hat*", "hat, hat ribbon, chat", ""),
    ("/hat|cap/", "hat, baseball cap, hatsune miku", ""),
    ("/^(red|blue) eyes$/", "red eyes, blue eyes", "dark red eyes"),
    ("@rating", "safe", "1girl"),
    ("if 1boy: skirt, dress", "skirt, dress", "1boy"),
    ("if 1boy: skirt, dress", "", "skirt, 1girl"),
    ("if 1girl, school uniform: hat", "hat", "1girl, school uniform"),
    ("@clothing = *skirt, *dress", "", "long skirt, dress"),
    ("@clothing = *skirt, *dress\n@clothing", "long skirt, dress", "shirt"),
]


def test_ban_rules_are_tried_as_the_help_page_says(client: Client) -> None:
    graph: Graph = {}
    nodes = [
        add(graph, "TipoBans", rules=rules, try_on=f"{banned},{allowed}")
        for rules, banned, allowed in BAN_EXAMPLES
    ]
    outcome = client.run(ended(graph), timeout=LIMIT)
    for node, (rules, banned, allowed) in zip(nodes, BAN_EXAMPLES, strict=True):
        (report,) = outcome.outputs[node]["text"]
        lines = report.splitlines()[1:]
        expected = [(tag, True) for tag in banned.split(", ") if tag]
        expected += [(tag, False) for tag in allowed.split(", ") if tag]
        assert len(lines) == len(expected), report
        for line, (tag, is_banned) in zip(lines, expected, strict=True):
            plain = tag.replace("_", " ")
            assert line.startswith((f"{tag}: ", f"{plain}: ")), rules
            assert ("banned by " in line) == is_banned, f"{rules}: {line}"


def test_rules_of_another_node_count_and_lend_their_groups(client: Client) -> None:
    graph: Graph = {}
    base = add(graph, "TipoBans", rules="@headwear = *hat, crown\nskirt", try_on="")
    trial = "witch hat, skirt, shirt"
    both = add(graph, "TipoBans", rules="if 1boy: shirt\n@headwear", try_on=trial, also=[base, 0])
    outcome = client.run(ended(graph), timeout=LIMIT)
    (of_base,), (of_both,) = (outcome.outputs[node]["text"] for node in (base, both))
    assert line_with(of_base, "1 rule") and line_with(of_both, "3 rules")
    assert line_with(of_both, "witch hat", "banned", "'@headwear'")
    assert line_with(of_both, "skirt", "banned", "'skirt'")
    assert line_with(of_both, "shirt", "allowed")
