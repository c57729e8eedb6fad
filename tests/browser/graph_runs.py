"""Queue a graph on the page and wait for its end through the API.

Front ends from 1.4x on list runs by /api/jobs, which older cores lack, so the page's own list of
runs serves on some hosts only.
"""

from __future__ import annotations

import time
from typing import Any

from devkit.setup.toy_sd import NAME
from tests.browser.comfy_page import RUN_MILLISECONDS, ComfyPage
from tests.browser.template_files import template_named

FIXED = {"control_after_generate": "fixed"}


def open_small_graph(comfy: ComfyPage, seed: int) -> None:
    """Open text-to-image with toy-sd and the smallest sizes."""
    comfy.load(template_named("text to image"))
    comfy.set_widgets(
        {
            "CheckpointLoaderSimple": {"ckpt_name": NAME},
            "EmptyLatentImage": {"width": 64, "height": 64},
            "TipoSampler": {"steps": 2, "seed": seed, **FIXED},
            "TipoExpand": {
                "seed": seed,
                "tag_length": "very_short",
                "caption_length": "none",
                "variants": 1,
                **FIXED,
            },
        }
    )


def run_to_end(comfy: ComfyPage) -> dict[str, Any]:
    """Queue the graph on the page, wait for its end, and return its entry of the history."""
    before = set(comfy.front_end.get("/history"))
    comfy.queue()
    deadline = time.monotonic() + RUN_MILLISECONDS / 1000
    while time.monotonic() < deadline:
        new = {
            key: run for key, run in comfy.front_end.get("/history").items() if key not in before
        }
        if new:
            (entry,) = new.values()
            assert entry["status"]["status_str"] == "success", entry["status"]
            found: dict[str, Any] = entry
            return found
        # Playwright hands out the page's events while it waits.
        comfy.page.wait_for_timeout(100)
    raise AssertionError(f"the run did not end within {RUN_MILLISECONDS / 1000:.0f} s")


def shown_texts(entry: dict[str, Any]) -> dict[str, str]:
    """Return the texts that a run sent to the pack's nodes, by node id."""
    graph = entry["prompt"][2]
    return {
        node: "\n\n".join(output["text"])
        for node, output in entry["outputs"].items()
        if graph[node]["class_type"].startswith("Tipo") and "text" in output
    }
