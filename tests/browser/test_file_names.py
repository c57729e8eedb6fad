"""The page replaces values and dates in the file names of Save Image, as in core's save nodes."""

from __future__ import annotations

from datetime import datetime

from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import RENDERERS
from tests.browser.graph_runs import open_small_graph, run_to_end

# The text is linked: its value is known when the graph has run, not on the page.
LINKED = "%TipoClipSkipEncode.text%"
SERVERS = "_%TipoSweep.cfg%_%date:YY%"
PREFIX = (
    "page/%TipoSampler.seed%_%date:yyyy-MM-dd%_%EmptyLatentImage.width%_%Gone.x%_%width%"
    + LINKED
    # Left to the server: a swept value, whose widget is not used, and a date that it reports.
    + SERVERS
)
WIDGET = """() => app.graph.nodes.find(node => node.type === 'TipoSaveImage')
  .widgets.find(widget => widget.name === 'filename_prefix').value"""


def test_names_are_filled_in(comfy: ComfyPage) -> None:
    seed = 21 + RENDERERS.index(comfy.renderer)
    open_small_graph(comfy, seed)
    comfy.run("() => { app.graph.add(LiteGraph.createNode('TipoSweep')) }")
    comfy.set_widgets({"TipoSaveImage": {"filename_prefix": PREFIX}})
    days = [datetime.now()]
    entry = run_to_end(comfy)
    days.append(datetime.now())
    (inputs,) = (
        node["inputs"]
        for node in entry["prompt"][2].values()
        if node["class_type"] == "TipoSaveImage"
    )
    sent = {f"page/{seed}_{day:%Y-%m-%d}_64_%Gone.x%_%width%{LINKED}{SERVERS}" for day in days}
    assert inputs["filename_prefix"] in sent
    assert comfy.run(WIDGET) == PREFIX, "the page keeps the typed text"
    (image,) = (one for output in entry["outputs"].values() for one in output.get("images", []))
    assert image["filename"].startswith(f"{seed}_")
    assert image["filename"].endswith(f"_64_%Gone.x%_64{LINKED}_4_YY_00001_.png")
