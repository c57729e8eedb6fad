"""Each file in docs/examples runs; those for a server run in test_queue_prompt.py.

ComfyUI takes a folder `examples` of a pack for its workflow templates, instead of `workflows`.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def output(repository: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run an example; return its output."""

    def run(name: str) -> str:
        runpy.run_path(str(repository / "docs" / "examples" / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_no_example_is_without_a_test(repository: Path) -> None:
    here = Path(__file__)
    tested = here.read_text("utf-8") + here.with_name("test_queue_prompt.py").read_text("utf-8")
    examples = [path.name for path in (repository / "docs" / "examples").iterdir()]
    assert examples and all(name in tested for name in examples)


def test_expand(output: Any) -> None:
    assert output("expand.py").startswith("1girl, cat ears, ")


def test_variants_and_bans(output: Any) -> None:
    lines = [line for line in output("variants_and_bans.py").splitlines() if line[0].isdigit()]
    assert [line[0] for line in lines] == ["0", "1", "2", "3"]
    assert all("1girl, (cat ears:1.2), <lora:my_style:0.8>, " in line for line in lines)
    assert not any("hat," in line for line in lines)


def test_split_prompt(output: Any) -> None:
    shown = output("split_prompt.py")
    assert "A girl sits by the window." in shown and "<lora:x:0.8>" in shown
