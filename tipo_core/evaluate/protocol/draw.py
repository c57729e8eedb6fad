"""Draw missing rows: keep a few prompts queued on the server, and fetch each picture."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import logging
import time
import urllib.error
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ...comfy_api.api_graph import check_server_has
from ...comfy_api.followed_run import messages_of
from ...comfy_api.http_client import GraphRejected, HttpClient
from ...recipe import note_recipe
from ..picture_folder import SUFFIXES
from ..progress_bar import progress_bar
from .arms import ARMS, Arms, picture_of
from .rows import Key, Row, Rows

RECIPE = "run.json"
# Seconds between two requests for the result of a run.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_SECONDS_BETWEEN_LOOKS = 5.0  # for runs that the server lost
_TRIES = 3  # of a prompt that the server lost
_SHOWN = 60  # characters of a prompt in messages
_AGAIN = "run the same command again to continue"
_log = logging.getLogger("tipo-suite")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Run:
    """The `prompts` of a test, drawn in both arms; row i has the seed `seed` + i."""

    test: str
    prompts: Sequence[str]
    seed: int
    arms: Arms

    def recipe(self) -> dict[str, Any]:
        """Return everything that determines the pictures, except the prompts and the server."""
        recipe: dict[str, Any] = {
            "test": self.test,
            "seed": self.seed,
            "field": self.arms.field,
            "expander": self.arms.expander,
        }
        for node_id, node in self.arms.graph.items():
            name = f"node {node_id} ({node['class_type']})"
            recipe[name] = sorted(node["inputs"])
            recipe |= {f"{name} {key}": _number(value) for key, value in node["inputs"].items()}
        return recipe

    def digest(self) -> str:
        """Return the first 12 hexadecimal digits of the recipe's SHA-256."""
        text = json.dumps(self.recipe(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def order(self) -> list[Key]:
        """Return all rows in drawing order: both arms of a prompt, then the next prompt."""
        return [(arm, index) for index in range(len(self.prompts)) for arm in ARMS]


def draw(run: Run, client: HttpClient, folder: Path, at_once: int = 4) -> int:
    """Draw the rows that are missing in `folder`; return their number.

    `at_once` prompts are queued at a time, so that the server never waits for this process. Raises
    ValueError if the folder holds another run, RuntimeError for a prompt that failed,
    ConnectionError for a server that does not answer; pictures drawn before are kept.
    """
    if at_once < 1:
        raise ValueError(f"--at-once is {at_once}: give 1 or more")
    folder.mkdir(parents=True, exist_ok=True)
    # Written with the first picture, so that settings that the server refuses can be corrected.
    if (folder / RECIPE).exists():
        note_recipe(folder / RECIPE, run.recipe())
    rows = Rows(folder, run.digest())
    _check(run, rows)
    with rows:
        todo = [key for key in run.order() if key not in rows.done]
        if todo:
            _Drawing(run, client, rows, at_once).all(todo)
    return len(todo)


def _check(run: Run, rows: Rows) -> None:
    """Raise ValueError if a row in the folder belongs to another run."""
    settings = run.digest()
    for row in rows.done.values():
        if row.settings != settings:
            raise ValueError(
                f"{rows.path} has rows of other settings, and {RECIPE}, which names them, is "
                "missing: give another folder"
            )
        if row.index >= len(run.prompts):
            raise ValueError(
                f"{rows.path} has row {row.index}, and this run has {len(run.prompts)} prompts: "
                "give a larger --count or another folder"
            )
        if row.given != run.prompts[row.index]:
            raise ValueError(
                f"{rows.path} has row {row.index} of {_shown(row.given)}, the prompt is now "
                f"{_shown(run.prompts[row.index])}: give another folder or the same prompts"
            )


class _Drawing:
    def __init__(self, run: Run, client: HttpClient, rows: Rows, at_once: int) -> None:
        self._run, self._client, self._rows, self._at_once = run, client, rows, at_once
        self._settings = run.digest()
        self._waiting: dict[str, Key] = {}
        self._tries: dict[Key, int] = {}

    def all(self, keys: Sequence[Key]) -> None:
        check_server_has(self._run.arms.graph, self._reach(self._client.object_info))
        todo = deque(keys)
        total = len(ARMS) * len(self._run.prompts)
        pause, last_look = _SHORTEST_PAUSE, time.monotonic()
        try:
            with progress_bar(total, self._run.test) as advance:
                advance(total - len(todo))
                while todo or self._waiting:
                    while todo and len(self._waiting) < self._at_once:
                        self._queue(todo.popleft())
                    ended = self._ended()
                    advance(ended)
                    pause = _SHORTEST_PAUSE if ended else min(2 * pause, _LONGEST_PAUSE)
                    if not ended:
                        time.sleep(pause)
                        if time.monotonic() - last_look > _SECONDS_BETWEEN_LOOKS:
                            todo.extendleft(reversed(self._lost()))
                            last_look = time.monotonic()
        finally:
            if self._waiting:
                # Nobody will fetch these pictures.
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self._client.withdraw(self._waiting)

    def _queue(self, key: Key) -> None:
        arm, index = key
        graph = self._run.arms.at(arm, self._run.prompts[index], self._run.seed + index)
        try:
            prompt_id = self._reach(partial(self._client.queue, graph))
        except GraphRejected as error:
            raise RuntimeError(
                f"the server refuses {self._named(key)}: {error}. Correct the value with an option "
                "or --set"
            ) from error
        self._waiting[prompt_id] = key

    def _ended(self) -> int:
        """Fetch the pictures of prompts that have ended; return their number."""
        count = 0
        for prompt_id, key in list(self._waiting.items()):
            entry = self._reach(partial(self._client.history, prompt_id))
            if entry:
                self._take(key, entry)
                del self._waiting[prompt_id]
                count += 1
        return count

    def _lost(self) -> list[Key]:
        """Return and forget the prompts that a restarted server no longer knows."""
        queued = self._reach(self._client.queued)
        lost = []
        for prompt_id, key in list(self._waiting.items()):
            # A run that has just ended is in the history, no longer in the queue.
            if prompt_id in queued or self._reach(partial(self._client.history, prompt_id)):
                continue
            self._tries[key] = self._tries.get(key, 1) + 1
            if self._tries[key] > _TRIES:
                raise RuntimeError(
                    f"the server lost {self._named(key)} {_TRIES} times: check whether it "
                    f"restarts, or its queue is cleared; then {_AGAIN}"
                )
            del self._waiting[prompt_id]
            lost.append(key)
        if lost:
            _log.warning("the server lost %d prompts; they are queued again", len(lost))
        return lost

    def _take(self, key: Key, entry: Mapping[str, Any]) -> None:
        arm, index = key
        given = self._run.prompts[index]
        messages = messages_of(entry)
        if "execution_interrupted" in messages:
            raise RuntimeError(f"{self._named(key)} was cancelled on the server: {_AGAIN}")
        if "execution_error" in messages:
            error = messages["execution_error"]
            raise RuntimeError(
                f"{self._named(key)} failed in node {error.get('node_id')} "
                f"({error.get('node_type')}): {str(error.get('exception_message')).strip()}"
            )
        outputs = entry.get("outputs", {})
        try:
            drawn = self._run.arms.drawn(arm, given, outputs)
            picture = picture_of(outputs)
        except ValueError as error:
            raise RuntimeError(f"{self._named(key)}: {error}") from error
        suffix = Path(picture["filename"]).suffix.lower()
        if suffix not in SUFFIXES:
            raise RuntimeError(
                f"{self._named(key)} was saved as {picture['filename']}: save as one of "
                f"{', '.join(SUFFIXES)}"
            )
        content = self._reach(partial(self._client.view, picture))
        if not content:
            raise RuntimeError(
                f"{self._named(key)} left the empty file {picture['filename']}: check the server's "
                "disk space"
            )
        row = Row(
            arm,
            index,
            self._run.seed + index,
            given,
            drawn,
            f"{arm}/{index:06}{suffix}",
            _seconds(messages),
            self._settings,
        )
        recipe = self._rows.folder / RECIPE
        if not recipe.exists():
            note_recipe(recipe, self._run.recipe())
        self._rows.add(row, content)

    def _reach(self, call: Callable[[], _T]) -> _T:
        """Return call(); raise ConnectionError with the address if no ComfyUI answers."""
        url = self._client.url
        try:
            return call()
        except urllib.error.HTTPError as error:
            raise ConnectionError(
                f"{url} answers {error.code} ({error.reason}) to {error.url}: is it a ComfyUI "
                "server of version 0.3 or newer?"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            left = len(ARMS) * len(self._run.prompts) - len(self._rows.done)
            raise ConnectionError(
                f"no ComfyUI server answers at {url} ({reason}); {left} pictures are missing: "
                f"start it, or name it with --server, and {_AGAIN}"
            ) from error
        except json.JSONDecodeError as error:
            raise ConnectionError(
                f"{url} is not a ComfyUI server: name one with --server"
            ) from error

    def _named(self, key: Key) -> str:
        return f"row {key[1]} of {key[0]}, {_shown(self._run.prompts[key[1]])},"


def _seconds(messages: Mapping[str, Mapping[str, Any]]) -> float:
    """Return the seconds of a run on the server; 0 where the server reports none."""
    start, end = (
        messages.get(name, {}).get("timestamp") for name in ("execution_start", "execution_success")
    )
    return 0.0 if start is None or end is None else (end - start) / 1000


def _number(value: Any) -> Any:
    """Return 3 for 3.0, so that both count as the same setting."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
