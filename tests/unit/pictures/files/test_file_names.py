"""Names of saved files, compared with the replacements of ComfyUI's page."""

from __future__ import annotations

import os
import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.pictures.files.test_generation_settings import core_graph, node
from tests.unit.pictures.files.test_swept_settings import CHOICES, sweep_graph
from tipo_core.pictures.files.file_prefix import (
    NamedNodes,
    date_text,
    filled_prefix,
    name_problem,
    safe_prefix,
)
from tipo_core.pictures.files.graph_links import Graph

NOW = datetime(2026, 3, 9, 7, 5, 1)


def page_date(pattern: str) -> str:
    """formatDate of ComfyUI's front end."""
    numbers = {"d": NOW.day, "M": NOW.month, "h": NOW.hour, "m": NOW.minute, "s": NOW.second}

    def part(found: re.Match[str]) -> str:
        text = found.group()
        if text == "yy":
            return str(NOW.year)[2:]
        if text == "yyyy":
            return str(NOW.year)
        return str(numbers[text[0]]).zfill(len(text)) if text[0] in numbers else text

    return re.sub("d{1,2}|M{1,2}|h{1,2}|m{1,2}|s{1,2}|y{2,4}", part, pattern)


@given(st.text("dMhmsy-_ x:", max_size=20))
@settings(max_examples=200, deadline=None)
def test_dates_are_those_of_the_page(pattern: str) -> None:
    assert date_text(pattern, NOW) == page_date(pattern)


def filled(
    prefix: str, graph: dict[str, Any], workflow: object = None, place: int | None = 0
) -> str:
    nodes = NamedNodes(Graph(graph, place, CHOICES), workflow)
    return filled_prefix(prefix, nodes.value, NOW)[0]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("%date:yyyy-MM-dd%/p_%date:hhmmss%", "2026-03-09/p_070501"),
        ("%date:yy.M.d%", "26.3.9"),
        ("%KSampler.seed%_%KSampler.cfg%", "7_6.5"),
        ("%KSampler.denoise%", "1"),
        ("%CheckpointLoaderSimple.ckpt_name%", "sd15_anime v3.5.safetensors"),
        ("%width%x%height%_%batch_num%_100%", "%width%x%height%_%batch_num%_100%"),
        ("%KSampler.gone%%Gone.seed%", "%KSampler.gone%%Gone.seed%"),
        ("%KSampler.positive%", "%KSampler.positive%"),
        ("no pattern", "no pattern"),
    ],
)
def test_values_and_dates_are_filled_in(prefix: str, expected: str) -> None:
    assert filled(prefix, core_graph()) == expected


def test_titles_and_changed_names_are_known() -> None:
    graph = core_graph() | {"3": node("KSampler", seed=1), "4:7": node("KSampler", seed=2)}
    graph["sample"]["_meta"] = {"title": "My sampler v1.0"}
    assert filled("%My sampler v1.0.seed%", graph) == "7"
    inside = {"id": "uuid", "nodes": [{"id": 7, "type": "KSampler", "title": "Inner"}]}
    workflow: dict[str, Any] = {
        "nodes": [
            {"id": 3, "type": "KSampler", "properties": {"Node name for S&R": "first"}},
            {"id": 4, "type": "uuid"},
        ],
        "definitions": {"subgraphs": [inside]},
    }
    assert filled("%first.seed% %Inner.seed%", graph, workflow) == "1 2"
    # The name comes before the title, as on the page.
    workflow["nodes"][1]["title"] = "first"
    assert filled("%first.seed%", graph, workflow) == "1"
    loop: dict[str, Any] = {
        "nodes": [{"id": 1, "type": "a"}],
        "definitions": {"subgraphs": [{"id": "a"}]},
    }
    loop["definitions"]["subgraphs"][0]["nodes"] = loop["nodes"]
    assert filled("%KSampler.seed%", graph, loop) == "7"
    junks: list[object] = [None, [], {"nodes": 3}, {"nodes": [None, {}]}, {"definitions": []}]
    for junk in junks:
        assert filled("%KSampler.seed%", graph, junk) == "7"


def test_values_of_links_are_those_that_ran() -> None:
    prefix = "%KSampler.cfg%-%KSampler.steps%"
    assert [filled(prefix, sweep_graph(), place=i) for i in (0, 1, 2)] == ["4-8", "6-8", "4-12"]


def test_values_of_a_sweep_are_those_of_the_picture() -> None:
    """The widget of a swept parameter is not used, so its value would be wrong in every name."""
    graph = sweep_graph()  # cfg 4, 6 and steps 8, 12, 16; the widgets say 6.5 and 20
    prefix = "%TipoSweep.cfg%-%TipoSweep.steps%-%TipoSweep.seed%-%TipoSweep.columns%"
    expected = ["4-8-7-cfg", "6-8-7-cfg", "4-12-7-cfg"]
    assert [filled(prefix, graph, place=i) for i in range(3)] == expected
    named = {"nodes": [{"id": "sweep", "type": "TipoSweep", "title": "My plot"}]}
    assert filled("%My plot.cfg%", graph, named, place=1) == "6"
    # After a grid the place is not known: only what all pictures share has a value.
    assert filled(prefix, graph, place=None) == "%TipoSweep.cfg%-%TipoSweep.steps%-7-cfg"
    graph = sweep_graph(columns="sampler_name", column_values="dpmpp_2m karras, euler", rows="none")
    graph["sweep"]["inputs"]["scheduler"] = "normal"
    prefix = "%TipoSweep.sampler_name%-%TipoSweep.scheduler%"
    names = [filled(prefix, graph, place=i) for i in range(2)]
    assert names == ["dpmpp_2m-karras", "euler-normal"]


@pytest.mark.parametrize(
    ("prefix", "notes"),
    [
        ("%date:yyyy-MM-dd hh.mm.ss%_%year%_%batch_num%", []),
        ("100%_and_50% of a-b%", []),
        ("%date%_%date%", ["%date%"]),
        ("%Date:yyyy%", ["%Date:yyyy%"]),
        ("%seed%/x", ["%seed%"]),
        ("%date:YYYY-MM-DD%", ["YYYY", "DD"]),
        ("%date:yyy-y%", ["yyy", "y in"]),
        ("%date:dd_at_hh%", ["at"]),
        ("%Gone.seed%_%date%_%date:Y%", ["%Gone.seed%", "%date%", "Y in %date:Y%"]),
    ],
)
def test_patterns_that_are_not_read_are_named(prefix: str, notes: list[str]) -> None:
    found = filled_prefix(prefix, lambda *_: None, NOW)[1]
    assert len(found) <= 1 and bool(found) == bool(notes)
    assert all(note in found[0] for note in notes)
    if "date" in "".join(notes).lower() or "Y" in "".join(notes):
        assert "%date:yyyy-MM-dd%" in found[0]


def test_characters_that_a_file_cannot_have_are_replaced() -> None:
    graph = {"1": node("Text", text='a/b\\c:d*e?f"g<h>i|j\0k\n\x7f\ud800l \u732b')}
    assert filled("%Text.text%", graph) == "a_b_c_d_e_f_g_h_i_j_k___l \u732b"
    assert safe_prefix('a:b*c?"d<e>f|g\n\ud800') == "a_b_c__d_e_f_g__"
    assert safe_prefix("folder\\sub/name") == "folder/sub/name"


def test_a_drive_is_kept_on_windows_alone() -> None:
    """Elsewhere `C:/x` would make a folder `C:`, which Windows cannot open on a shared disk."""
    windows = [("C:\\out\\a:b", "C:/out/a_b"), ("c:/x", "c:/x"), ("C:x", "C_x"), ("ab:/x", "ab_/x")]
    assert [safe_prefix(prefix, has_drives=True) for prefix, _ in windows] == [
        n for _, n in windows
    ]
    for prefix in ("C:/x", "C:\\x", "a:/b:/c", "/C:/x"):
        expected = prefix.replace("\\", "/").replace(":", "_")
        assert safe_prefix(prefix, has_drives=False) == expected
    assert safe_prefix("C:/x") == ("C:/x" if os.name == "nt" else "C_/x")


def test_unknown_patterns_are_named_once() -> None:
    nodes = NamedNodes(Graph({}), None)
    prefix = "%A.b%_%A.b%_%width%_%C.d%"
    note = "not found in the graph: %A.b%, %C.d%"
    assert filled_prefix(prefix, nodes.value, NOW) == (prefix, [note])


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_every_name_can_be_a_file(text: str) -> None:
    name = filled_prefix(text.replace("\0", ""), lambda *_: "x", NOW)[0]
    assert os.fsencode(name) is not None
    assert not set(name) & set('?<>*|"\n')


def test_name_that_is_too_long_says_its_size() -> None:
    assert name_problem("x" * 255) is None
    assert "has 256 bytes" in (name_problem("x" * 256) or "")
    assert "has 300 bytes" in (name_problem("\u732b" * 100) or "")
    assert "shorten filename_prefix" in (name_problem("\u732b" * 100) or "")
