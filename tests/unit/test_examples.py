"""Each file in docs/examples runs.

ComfyUI takes a folder `examples` of a pack for its workflow templates, instead of `workflows`.
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
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
    tested = Path(__file__).read_text("utf-8")
    examples = [path.name for path in (repository / "docs" / "examples").glob("*.py")]
    assert examples and all(f'"{name}"' in tested for name in examples)


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


@pytest.fixture
def server() -> Iterator[tuple[str, list[Any]]]:
    """The address of a server that runs every graph at once, and the graphs that it got."""
    graphs: list[Any] = []
    picture = {"filename": "planet.png", "subfolder": "", "type": "output"}
    entry = {"status": {"status_str": "success"}, "outputs": {"9": {"images": [picture]}}}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            graphs.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(json.dumps({"prompt_id": "one", "node_errors": {}}).encode())

        def do_GET(self) -> None:
            is_picture = self.path.startswith("/view")
            self.answer(b"picture" if is_picture else json.dumps({"one": entry}).encode())

        def answer(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=running.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", graphs
    running.shutdown()
    running.server_close()
    thread.join()


def test_queue_workflow(
    output: Any,
    server: tuple[str, list[Any]],
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, graphs = server
    workflow = repository / "workflows" / "api" / "text-to-image.json"
    monkeypatch.setattr("sys.argv", ["queue_workflow.py", url, str(workflow)])
    monkeypatch.chdir(tmp_path)
    assert "success" in output("queue_workflow.py")
    assert (tmp_path / "planet.png").read_bytes() == b"picture"
    (expand,) = [
        node for node in graphs[0]["prompt"].values() if node["class_type"] == "TipoExpand"
    ]
    assert (expand["inputs"]["tags"], expand["inputs"]["seed"]) == ("planet, forest", 7)
