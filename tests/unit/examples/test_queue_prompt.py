"""The examples for a server, alone in a folder and without the pack, against a scripted server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

SUCCESS = {
    "status": {"status_str": "success", "messages": []},
    "outputs": {
        "2": {"tipo": [{"prompt": "planet, sky"}], "text": ["planet, sky"]},
        "10": {"images": [{"filename": "../planet.png", "subfolder": "", "type": "output"}]},
    },
}


@dataclass
class Answers:
    """Answers of the server: to /prompt, to /history, and the bodies that it got."""

    url: str = ""
    prompt: tuple[int, Any] = (200, {"prompt_id": "one", "node_errors": {}})
    history: dict[str, Any] = field(default_factory=lambda: {"one": SUCCESS})
    posted: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def graphs(self) -> list[Any]:
        return [body["prompt"] for path, body in self.posted if path == "/prompt"]


@pytest.fixture
def answers() -> Iterator[Answers]:
    found = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.posted.append((self.path, body))
            self.answer(*(found.prompt if self.path == "/prompt" else (200, {})))

        def do_GET(self) -> None:
            if self.path.startswith("/view"):
                self.answer(200, b"picture")
            elif self.path.startswith("/history"):
                self.answer(200, found.history)
            elif self.path == "/queue":
                self.answer(200, {"queue_running": [], "queue_pending": []})
            else:
                self.answer(404, {})

        def answer(self, status: int, content: Any) -> None:
            sent = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(repository: Path, tmp_path: Path, answers: Answers) -> Run:
    """Run queue_prompt.py, copied to a folder of its own, with the text-to-image workflow."""
    shutil.copy(repository / "docs/examples/queue_prompt.py", tmp_path)
    shutil.copy(repository / "workflows/api/text-to-image.json", tmp_path)

    def run_it(
        *arguments: str, url: str = "", workflow: str = "text-to-image.json", python: str = "-I"
    ) -> subprocess.CompletedProcess[str]:
        server = ["--server", url or answers.url]
        command = [sys.executable, python, "queue_prompt.py", workflow, *arguments, *server]
        # A proxy of the environment is not asked for a server of this machine.
        environ = {**os.environ, "http_proxy": "http://127.0.0.1:9"}
        return subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
        )

    return run_it


def test_prompts_and_pictures_arrive(run: Run, answers: Answers, tmp_path: Path) -> None:
    folder = ["--output", "drawn"]
    done = run("TipoExpand.tags=planet, forest", *folder, "TipoExpand.seed=7", "10.format=webp")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "prompt:  planet, sky",
        f"picture: {Path('drawn/planet.png')}",
    ]
    # The server's name for the picture has no power over the folder.
    assert (tmp_path / "drawn" / "planet.png").read_bytes() == b"picture"
    (graph,) = answers.graphs
    assert (graph["2"]["inputs"]["tags"], graph["2"]["inputs"]["seed"]) == ("planet, forest", 7)
    assert graph["10"]["inputs"]["format"] == "webp"


def test_a_picture_never_replaces_another(run: Run, tmp_path: Path) -> None:
    (tmp_path / "planet.png").write_bytes(b"mine")
    assert "picture: planet-2.png" in run().stdout
    assert (tmp_path / "planet.png").read_bytes() == b"mine"


def test_without_the_websocket_package_it_waits_all_the_same(run: Run) -> None:
    done = run(python="-S")
    assert done.returncode == 0
    assert "pip install websocket-client" in done.stderr


REASONS = {
    "3": {
        "class_type": "CheckpointLoaderSimple",
        "errors": [
            {
                "type": "value_not_in_list",
                "message": "Value not in list",
                "details": "ckpt_name: 'x' not in ['toy-sd.safetensors']",
                "extra_info": {"input_name": "ckpt_name"},
            }
        ],
    },
    "1": {
        "class_type": "TipoLoadModel",
        "errors": [
            {"message": "Custom validation failed for node", "details": f"{name} - no such model"}
            for name in ("model", "device")
        ],
    },
}


@pytest.mark.parametrize("status", [400, 200])
def test_reasons_of_a_refused_workflow_are_read(run: Run, answers: Answers, status: int) -> None:
    """With 200 the server has queued another part of the workflow: it is taken back."""
    answers.prompt = (status, {"prompt_id": "one", "node_errors": REASONS})
    done = run()
    assert done.returncode == 1
    assert done.stderr.partition("refuses")[2].splitlines()[1:] == [
        "  Load Checkpoint (node 3)",
        "    Value not in list: ckpt_name: 'x' not in ['toy-sd.safetensors']",
        "  Load TIPO Model (node 1)",
        "    Custom validation failed for node: no such model",
    ]
    taken_back = [body for path, body in answers.posted if path == "/queue"]
    assert taken_back == ([] if status == 400 else [{"delete": ["one"]}])


def test_a_workflow_with_an_unknown_node_is_refused_in_words(run: Run, answers: Answers) -> None:
    error = {"type": "missing_node_type", "message": "Node 'X' not found.", "details": ""}
    answers.prompt = (400, {"error": error, "node_errors": {}})
    done = run()
    assert done.returncode == 1 and done.stderr.endswith("  Node 'X' not found.\n")


@pytest.mark.parametrize(
    ("message", "code", "shown"),
    [
        (
            ["execution_error", {"node_id": "7", "exception_message": "out of memory\n"}],
            3,
            "Sampler (CFG / Denoise) (node 7) failed: out of memory",
        ),
        (["execution_interrupted", {"node_id": "7"}], 4, "the run was cancelled"),
    ],
)
def test_a_run_without_a_result_has_its_exit_code(
    run: Run, answers: Answers, message: Any, code: int, shown: str
) -> None:
    answers.history = {
        "one": {"status": {"status_str": "error", "messages": [message]}, "outputs": {}}
    }
    done = run()
    assert done.returncode == code and done.stderr.splitlines()[-1] == shown
    assert not done.stdout


def test_a_lost_run_is_not_waited_for(run: Run, answers: Answers) -> None:
    answers.history = {}
    assert run().returncode == 3


def test_a_server_that_does_not_answer(run: Run) -> None:
    done = run(url="http://127.0.0.1:9")
    assert done.returncode == 5 and "is ComfyUI running there?" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["TipoExpand.sed=7"], "has no input 'sed'; it has model, tags"),
        (["Sampler.seed=7"], "0 nodes match 'Sampler'"),
        (["TipoClipSkipEncode.clip_skip=2"], "2 nodes match 'TipoClipSkipEncode'"),
        (["seed"], "is not NODE.INPUT=VALUE"),
    ],
)
def test_a_wrong_argument_says_what_there_is(run: Run, arguments: list[str], shown: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and shown in done.stderr


def test_a_workflow_in_ui_form_is_explained(run: Run, repository: Path, tmp_path: Path) -> None:
    shutil.copy(repository / "workflows/Text to image.json", tmp_path / "ui.json")
    done = run(workflow="ui.json")
    assert done.returncode == 2 and "File > Export (API)" in done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_many_seeds(repository: Path, answers: Answers, tmp_path: Path) -> None:
    workflow = repository / "workflows/api/text-to-image.json"
    script = repository / "docs/examples/many_seeds.sh"
    environ = {**os.environ, "COMFYUI_URL": answers.url, "PYTHON": sys.executable}
    command = ["bash", str(script), str(workflow), "3", "4", "TipoExpand.tags=planet"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    seeds = [(g["2"]["inputs"]["seed"], g["7"]["inputs"]["seed"]) for g in answers.graphs]
    assert seeds == [(3, 3), (4, 4)]
    assert sorted(path.parent.name for path in tmp_path.rglob("planet.png")) == ["3", "4"]


@pytest.mark.parametrize(
    "text", ["null", "1e5", "2.50", '["1girl", "hat"]', '{"prompt": "hat"}', ""]
)
def test_the_value_of_a_text_stays_as_typed(run: Run, answers: Answers, text: str) -> None:
    assert run(f"TipoExpand.tags={text}", f"TipoExpand.pinned={text}").returncode == 0
    inputs = answers.graphs[0]["2"]["inputs"]
    assert (inputs["tags"], inputs["pinned"]) == (text, text)


def test_a_title_may_hold_an_equals_sign(run: Run, answers: Answers, tmp_path: Path) -> None:
    graph = json.loads((tmp_path / "text-to-image.json").read_text("utf-8"))
    graph["2"]["_meta"]["title"] = "words = x.y"
    graph["3"]["_meta"] = None
    # As some editors on Windows save it.
    (tmp_path / "other.json").write_text(json.dumps(graph), "utf-8-sig")
    assert run("words = x.y.tags=a=b.c", workflow="other.json").returncode == 0
    assert answers.graphs[0]["2"]["inputs"]["tags"] == "a=b.c"


def test_a_damaged_workflow_is_named(run: Run, tmp_path: Path) -> None:
    for number, graph in enumerate(({"1": {"class_type": "X"}}, {"1": None}, [], 7)):
        (tmp_path / f"{number}.json").write_text(json.dumps(graph), "utf-8")
        done = run(workflow=f"{number}.json")
        assert done.returncode == 2 and done.stderr.startswith(f"{number}.json is not in API form")


def test_a_file_in_place_of_the_folder_is_seen_before_the_run(
    run: Run, answers: Answers, tmp_path: Path
) -> None:
    (tmp_path / "drawn").write_bytes(b"")
    done = run("--output", "drawn")
    assert done.returncode == 2 and done.stderr.startswith("drawn cannot be a folder")
    assert not answers.graphs


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:abc", "http://a b", "http://[::1", "ftp://x", "x"]
)
def test_a_wrong_address_is_named(run: Run, url: str) -> None:
    done = run(url=url)
    assert done.returncode == 2 and f"--server {url}: write it as in" in done.stderr


@pytest.mark.parametrize("answer", [b"<html>", [], {}, b"7"])
@pytest.mark.parametrize("status", [200, 400, 404])
def test_another_service_is_no_comfyui(
    run: Run, answers: Answers, status: int, answer: Any
) -> None:
    answers.prompt = (status, answer)
    done = run()
    if (status, answer) == (400, {}):  # ComfyUI's own form of a refusal
        assert done.returncode == 1
    else:
        assert done.returncode == 5 and "is no ComfyUI server" in done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("seeds", [("1", "x"), ("a", "3"), ("8", "1"), ("-1", "2")])
def test_wrong_seeds_draw_nothing(repository: Path, seeds: tuple[str, str]) -> None:
    script = repository / "docs" / "examples" / "many_seeds.sh"
    command = ["bash", str(script), "x.json", *seeds]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "write two whole numbers" in done.stderr
