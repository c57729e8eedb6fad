"""Queue a workflow on a ComfyUI server, follow it, and fetch its prompts and pictures.

    python queue_prompt.py text-to-image.json TipoExpand.tags="1girl, cat ears" TipoExpand.seed=7

This file needs Python 3.10 and no other file of the pack. With the package websocket-client it
shows the steps of each node; without it, it asks every half second whether the run has ended.

The workflow is in API form: in ComfyUI, File > Export (API). NODE.INPUT=VALUE changes an input;
NODE is a node's id, title or type. Expanded prompts and the paths of the pictures go to stdout,
everything else to stderr. Exit codes: 0 done, 1 the server refuses the workflow, 2 a wrong
argument or file, 3 a node failed, 4 the run was cancelled, 5 the server does not answer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any

try:
    import websocket
except ImportError:
    websocket = None

REFUSED, WRONG, FAILED, CANCELLED, NO_SERVER = 1, 2, 3, 4, 5
POLL_SECONDS = 0.5

Graph = dict[str, dict[str, Any]]


class Problem(Exception):
    """The end of the script: a message for people and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def say(text: str) -> None:
    """Print a line to stderr; stdout holds the results alone."""
    print(text, file=sys.stderr, flush=True)


# 1) The workflow and its changed inputs.


def load_graph(path: Path) -> Graph:
    """Return the workflow in a file, in API form: node id to class_type and inputs."""
    try:
        graph = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be read: {error}", WRONG) from error
    if not isinstance(graph, dict) or not all(
        isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict)
        for node in graph.values()
    ):
        message = f"{path} is not in API form: export it in ComfyUI with File > Export (API)"
        raise Problem(message, WRONG)
    return graph


def own_title(node: dict[str, Any]) -> str | None:
    """Return the title of a node, None if it has none."""
    title = (node.get("_meta") or {}).get("title")
    return title if isinstance(title, str) else None


def title(graph: Graph, node_id: str) -> str:
    """Return a node's title and id, as in: Load Checkpoint (node 3)."""
    node = graph.get(node_id, {})
    name = own_title(node) or node.get("class_type")
    return f"{name} (node {node_id})" if name else f"node {node_id}"


def find_node(graph: Graph, name: str) -> str:
    """Return the id of the one node with this id, title or type."""
    if name in graph:
        return name
    found = [
        node_id for node_id, node in graph.items() if name in (node["class_type"], own_title(node))
    ]
    if len(found) == 1:
        return found[0]
    choices = "\n".join(f"  {node_id:>4}  {node['class_type']}" for node_id, node in graph.items())
    raise Problem(f"{len(found)} nodes match {name!r}; name one of:\n{choices}", WRONG)


def change_input(graph: Graph, setting: str) -> None:
    """Apply NODE.INPUT=VALUE.

    The value of an input that holds a text is a text. Any other one is read as JSON (7, 0.5, true),
    or as text if it is none.
    """
    # A title may have a "=" too.
    places = [place for place, character in enumerate(setting) if character == "="]
    names = {name for node_id, node in graph.items() for name in (node_id, own_title(node))}
    named = [place for place in places if setting[:place].rpartition(".")[0] in names]
    place = (named or places or [0])[0]
    name, dot, input_name = setting[:place].rpartition(".")
    if not dot:
        raise Problem(f"{setting!r} is not NODE.INPUT=VALUE, as in TipoExpand.seed=7", WRONG)
    raw = setting[place + 1 :]
    inputs = graph[find_node(graph, name)]["inputs"]
    if input_name not in inputs:
        raise Problem(f"{name} has no input {input_name!r}; it has {', '.join(inputs)}", WRONG)
    if isinstance(inputs[input_name], str):
        inputs[input_name] = raw
        return
    try:
        inputs[input_name] = json.loads(raw)
    except ValueError:
        inputs[input_name] = raw


# 2) The server: queue, follow, fetch.


class Server:
    """A ComfyUI server and this script's client id, to which the server sends its messages."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.client_id = uuid.uuid4().hex

    def open(self, path: str, body: Any = None) -> bytes:
        """Return the answer to a GET, or to a POST of `body` as JSON."""
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, sent)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content: bytes = answer.read()
        except http.client.HTTPException as error:
            raise self.no_comfyui(error) from error
        return content

    def no_comfyui(self, reason: object) -> Problem:
        """Return the error for an answer that ComfyUI does not give."""
        return Problem(f"{self.url} is no ComfyUI server ({reason!r}): check --server", NO_SERVER)

    def read(self, path: str, body: Any = None) -> dict[str, Any]:
        """Return the JSON object in an answer."""
        content = self.open(path, body)
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise self.no_comfyui(error) from error
        if not isinstance(answer, dict):
            raise self.no_comfyui(answer)
        return answer

    def queue(self, graph: Graph) -> str:
        """Queue the workflow and return the id of its run."""
        try:
            answer = self.read("/prompt", {"prompt": graph, "client_id": self.client_id})
        except urllib.error.HTTPError as error:
            try:
                refused = json.loads(error.read()) if error.code == 400 else None
            except ValueError:
                refused = None
            if not isinstance(refused, dict):
                raise self.no_comfyui(error) from error
            raise Problem(refusal(graph, refused), REFUSED) from error
        if "prompt_id" not in answer:
            raise self.no_comfyui(answer)
        run = str(answer["prompt_id"])
        if answer.get("node_errors"):
            # ComfyUI has queued the outputs that have no error. Half a workflow helps nobody.
            self.cancel(run)
            raise Problem(refusal(graph, answer), REFUSED)
        return run

    def cancel(self, run: str) -> None:
        """Remove a run from the queue, or end it if it has begun."""
        self.open("/queue", {"delete": [run]})
        self.open("/interrupt", {"prompt_id": run})

    def history(self, run: str) -> dict[str, Any]:
        """Return the status and the outputs of a run; empty until it has ended."""
        entry: dict[str, Any] = self.read(f"/history/{run}").get(run, {})
        return entry

    def has_queued(self, run: str) -> bool:
        """Return whether a run waits or executes."""
        queue = self.read("/queue")
        # Two lists; an entry is (number, run, workflow, ...).
        return any(entry[1] == run for entries in queue.values() for entry in entries)

    def picture(self, entry: dict[str, str]) -> bytes:
        """Return the file that an output names by filename, subfolder and type."""
        query = {key: entry.get(key, "") for key in ("filename", "subfolder", "type")}
        return self.open(f"/view?{urllib.parse.urlencode(query)}")

    def connect(self) -> Any:
        """Return a websocket for messages about this client's runs, None without the package."""
        if websocket is None:
            say("no progress is shown: pip install websocket-client")
            return None
        # http becomes ws, https becomes wss.
        address = f"ws{self.url.removeprefix('http')}/ws?clientId={self.client_id}"
        try:
            messages = websocket.create_connection(address, timeout=30)
        except websocket.WebSocketException as error:
            say(f"no progress is shown ({error})")
            return None
        # Short waits, so that Ctrl-C works on every system.
        messages.settimeout(1)
        return messages


def refusal(graph: Graph, answer: dict[str, Any]) -> str:
    """Return the server's reasons: each node with its errors, one line for each."""
    lines = ["the server refuses the workflow:"]
    for node_id, node in (answer.get("node_errors") or {}).items():
        lines.append(f"  {title(graph, node_id)}")
        seen = set()
        for error in node["errors"]:
            details = str(error.get("details") or "")
            # The server repeats a node's own reason for each of its inputs: "NAME - REASON".
            reason = details.partition(" - ")[2] or details
            if (error["message"], reason) not in seen:
                lines.append(f"    {error['message']}: {reason}".removesuffix(": "))
            seen.add((error["message"], reason))
    if len(lines) == 1:
        error = answer.get("error") or {}
        lines.append(f"  {error.get('message', answer)}: {error.get('details') or ''}".rstrip(": "))
    return "\n".join(lines)


def show_progress(graph: Graph, messages: Any, run: str) -> None:
    """Print a line for each node that runs and its steps, until the run ends."""
    is_terminal = sys.stderr.isatty()
    while True:
        try:
            raw = messages.recv()
        except websocket.WebSocketTimeoutException:
            continue
        # Binary messages are previews.
        message = json.loads(raw) if isinstance(raw, str) and raw else {}
        kind, values = message.get("type"), message.get("data") or {}
        if values.get("prompt_id") != run:
            continue
        if kind == "executing" and values.get("node") is None:
            return
        if kind == "executing":
            say(f"{title(graph, values['node'])} ...")
        elif kind == "progress" and is_terminal:
            end = "\n" if values["value"] == values["max"] else "\r"
            print(f"  {values['value']}/{values['max']}", end=end, file=sys.stderr, flush=True)


def is_timeout(error: OSError) -> bool:
    """Return whether a request took too long, as on a server that is loading a model."""
    return isinstance(getattr(error, "reason", error), TimeoutError)


def follow(server: Server, graph: Graph, run: str, messages: Any) -> dict[str, Any]:
    """Wait until a run has ended and return its outputs, by node id."""
    if messages is not None:
        try:
            show_progress(graph, messages, run)
        except (OSError, websocket.WebSocketException) as error:
            say(f"no more progress is shown ({error}); the run continues")
    entry: dict[str, Any] = {}
    while not entry:
        try:
            entry = server.history(run)
            if not entry and not server.has_queued(run):
                entry = server.history(run)
                if not entry:
                    raise Problem("the server lost the run: was it restarted?", FAILED)
        except OSError as error:
            if not is_timeout(error):
                raise
            say("the server is busy and does not answer; the run continues")
        if not entry:
            time.sleep(POLL_SECONDS)
    for kind, values in entry["status"].get("messages", []):
        if kind == "execution_error":
            where = title(graph, str(values["node_id"]))
            raise Problem(f"{where} failed: {values['exception_message'].strip()}", FAILED)
        if kind == "execution_interrupted":
            raise Problem("the run was cancelled", CANCELLED)
    outputs: dict[str, Any] = entry["outputs"]
    return outputs


# 3) The results.


def save_picture(server: Server, entry: dict[str, str], folder: Path) -> Path:
    """Write a picture into the folder under a name that is free, and return its path."""
    # The name comes from the server: take its last part alone.
    name = Path(entry["filename"].replace("\\", "/")).name
    path, number = folder / name, 1
    while path.exists():
        number += 1
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    content = server.picture(entry)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error}", WRONG) from error
    return path


def print_results(server: Server, outputs: dict[str, Any], folder: Path) -> None:
    """Print the expanded prompts, and save the pictures and print their paths."""
    for output in outputs.values():
        # TIPO Expand reports an entry for each variant: prompt, tags, caption, added, ...
        for expansion in output.get("tipo", ()):
            if isinstance(expansion, dict) and "prompt" in expansion:
                print(f"prompt:  {expansion['prompt']}")
    for output in outputs.values():
        for entry in output.get("images", ()):
            print(f"picture: {save_picture(server, entry, folder)}")


def is_address(url: str) -> bool:
    """Return whether a text is the address of a server."""
    try:
        parts = urllib.parse.urlsplit(url)
        # Reading a wrong port is an error.
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        return parts.scheme in ("http", "https") and has_host and " " not in url
    except ValueError:
        return False


def run_workflow(arguments: argparse.Namespace) -> None:
    """Queue the workflow of the command line, wait for it, and print its results."""
    graph = load_graph(arguments.workflow)
    for setting in arguments.settings:
        change_input(graph, setting)
    try:
        arguments.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"{arguments.output} cannot be a folder: {error}", WRONG) from error
    server = Server(arguments.server)
    # The connection comes first, so that no message is missed.
    messages = server.connect()
    run = server.queue(graph)
    try:
        outputs = follow(server, graph, run, messages)
    except KeyboardInterrupt:
        server.cancel(run)
        raise Problem("cancelled", CANCELLED) from None
    print_results(server, outputs, arguments.output)


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workflow", type=Path, metavar="WORKFLOW.json")
    parser.add_argument("settings", nargs="*", metavar="NODE.INPUT=VALUE")
    parser.add_argument("--server", default="http://127.0.0.1:8188", metavar="URL")
    parser.add_argument("--output", type=Path, default=Path(), metavar="FOLDER", help="(here)")
    arguments = parser.parse_intermixed_args()
    if not is_address(arguments.server):
        parser.error(f"--server {arguments.server}: write it as in http://127.0.0.1:8188")
    # The server is near: a proxy of the environment does not know it.
    os.environ["no_proxy"] = "*"
    try:
        run_workflow(arguments)
    except Problem as problem:
        say(str(problem))
        return problem.code
    except OSError as error:
        say(f"no answer from {arguments.server} ({error}): is ComfyUI running there?")
        return NO_SERVER
    return 0


if __name__ == "__main__":
    sys.exit(main())
