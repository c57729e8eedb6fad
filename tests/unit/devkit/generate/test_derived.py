"""Derived files: which are stale, the table of nodes, the keys of the translation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from devkit.generate.derived import (
    BEGIN,
    END,
    PAGES,
    TRANSLATION,
    derived_files,
    node_table,
    stale_files,
    translated_texts,
    translation_problems,
)
from devkit.generate.migration_nodes import declared_nodes
from devkit.messages import StepError


def declaration(name: str, description: str) -> dict[str, Any]:
    """A node as a server's object_info has it, with one input and one output."""
    return {
        "display_name": name,
        "description": description,
        "input": {"required": {"seed": ["INT", {"tooltip": "Where chance begins."}]}},
        "output_name": ["text"],
        "output_tooltips": ["The text."],
    }


NODES = {
    "KSampler": declaration("KSampler", "Of the host."),
    "TipoDraw": declaration("Draw", "Draws a cat | a dog. Never both."),
    "TipoSay": declaration("Say", "Says 0.5 words"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a template, a page and a translation that fit NODES."""
    workflow = {
        "nodes": [{"id": 1, "type": "TipoSay", "inputs": [], "widgets_values": [7, "fixed"]}],
        "links": [],
    }
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "Say it.json").write_text(json.dumps(workflow), "utf-8")
    for page in PAGES:
        (tmp_path / page).write_text(f"# Pack\n{BEGIN}\nold\n{END}\nmore\n", "utf-8")
    (tmp_path / TRANSLATION).parent.mkdir(parents=True)
    own = {name: translated_texts(node) for name, node in NODES.items() if name[0] == "T"}
    (tmp_path / TRANSLATION).write_text(json.dumps(own), "utf-8")
    return tmp_path


def test_files_are_stale_until_they_are_written(root: Path) -> None:
    api_form = Path("workflows", "api", "say-it.json")
    assert stale_files(root, NODES) == [api_form, Path("README.md")]
    for derived in derived_files(root, NODES):
        derived.write()
    assert stale_files(root, NODES) == []
    assert json.loads((root / api_form).read_text("utf-8"))["1"]["inputs"] == {"seed": 7}
    assert b"\r" not in (root / api_form).read_bytes()


def test_the_table_has_a_row_per_own_node_with_its_first_sentence(root: Path) -> None:
    (page,) = (one for one in derived_files(root, NODES) if one.path.name == "README.md")
    assert page.text.startswith("# Pack\n") and page.text.endswith("\nmore\n")
    assert page.text.splitlines()[4:6] == [
        r"| Draw | Draws a cat \| a dog |",
        "| Say | Says 0.5 words |",
    ]
    assert "KSampler" not in page.text


def test_deprecated_nodes_are_in_no_table(root: Path) -> None:
    old = {**declaration("Old", "Stays for old graphs."), "deprecated": True}
    assert "Stays" not in node_table({**NODES, "TipoOld": old})


def test_the_nodes_of_migrated_workflows_are_tabled() -> None:
    inputs = {
        "required": {
            "expansion": ["TIPO_EXPANSION", {}],
            "preset": ["COMBO", {"options": ["a", "b"]}],
            "seed": ["INT", {"default": 3, "control_after_generate": True}],
        },
        "optional": {"text": ["STRING", {"forceInput": True}], "part": [["x", "y"], {}]},
    }
    node = {"input": inputs, "output": ["STRING"], "output_name": ["prompt"]}
    assert json.loads(declared_nodes({"TipoFormat": node, "Other": node})) == {
        "TipoFormat": {
            "inputs": [
                ["expansion", "TIPO_EXPANSION", False, False, None, False],
                ["preset", "COMBO", True, False, "a", False],
                ["seed", "INT", True, False, 3, True],
                ["text", "STRING", False, True, "", False],
                ["part", "COMBO", True, True, "x", False],
            ],
            "outputs": [["prompt", "STRING"]],
        }
    }


def test_a_page_without_markers_is_an_error_that_names_them(root: Path) -> None:
    (root / "README.md").write_text("# Pack\n", "utf-8")
    with pytest.raises(StepError, match=END):
        stale_files(root, NODES)


def test_keys_that_the_translation_lacks_or_has_too_many_are_named(root: Path) -> None:
    assert translation_problems(root, NODES) == []
    path = root / TRANSLATION
    translation = json.loads(path.read_text("utf-8"))
    translation["TipoSay"]["inputs"]["steps"] = translation["TipoSay"]["inputs"].pop("seed")
    path.write_text(json.dumps(translation), "utf-8")
    problems = translation_problems(root, NODES)
    assert [problem.split()[1:3] for problem in problems] == [
        ["lacks", "TipoSay.inputs.seed.name"],
        ["lacks", "TipoSay.inputs.seed.tooltip"],
        ["has", "TipoSay.inputs.steps.name,"],
        ["has", "TipoSay.inputs.steps.tooltip,"],
    ]
