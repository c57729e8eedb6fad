"""The graph of the template DreamBooth train, with the settings of a command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ...comfy_api.api_graph import apply_settings, load_graph, nodes_of_type
from ...comfy_api.http_client import Graph
from ..dataset.rare_tokens import without_token

_FOLDER = Path(__file__).parents[3] / "workflows" / "api"
TOY = "toy-sd"  # the base whose checkpoint comes with the pack
BASES = MappingProxyType(
    {
        "sd15": "dreambooth-train-sd15.json",
        "sdxl": "dreambooth-train-sdxl.json",
        TOY: "dreambooth-train.json",
    }
)
CHECKPOINT, DATASET = "CheckpointLoaderSimple", "TipoDreamBoothDataset"
_CLASS, TRAIN = "TipoClassImages", "TipoDreamBoothTrain"
# The prompt of a picture where none is given: toy-sd knows tags alone.
_PHOTO = "a photo of {} {}"
_PROMPTS = MappingProxyType({TOY: "{} {}"})


@dataclass(frozen=True)
class TrainingOptions:
    """The settings that have options; None keeps the template's value.

    `class_count` 0 trains without class pictures. `samples` None draws the subject and its class;
    an empty tuple draws none. `settings` are NODE.INPUT=VALUE, applied last.
    """

    token: str
    class_name: str
    prompt: str | None = None
    checkpoint: str | None = None
    size: int | None = None
    steps: int | None = None
    learning_rate: float | None = None
    rank: int | None = None
    class_count: int | None = None
    seed: int | None = None
    save_every: int | None = None
    samples: tuple[str, ...] | None = None
    name: str | None = None
    settings: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, value in (("token", self.token), ("class", self.class_name)):
            if not value.strip():
                raise ValueError(f"--{name} is empty: give a word")


def training_graph(base: str, folder: str, options: TrainingOptions) -> Graph:
    """Return the graph for a kind of model (a key of `BASES`) and a folder of the input folder.

    Raises GraphError for a wrong one of `options.settings`.
    """
    graph = load_graph(_FOLDER / BASES[base])
    token, of_class = options.token.strip(), options.class_name.strip()
    prompt = options.prompt or _PROMPTS.get(base, _PHOTO).format(token, of_class)
    name = options.name or f"loras/{token}_{of_class}".replace(" ", "_")
    samples = options.samples
    if samples is None:
        samples = (prompt, f"{prompt}, side view", without_token(prompt, token))
    _set(graph, CHECKPOINT, {"ckpt_name": options.checkpoint})
    dataset = {"folder": folder, "token": token, "prompt": prompt, "class_prompt": ""}
    _set(graph, DATASET, {**dataset, "width": options.size, "height": options.size})
    class_settings = {"count": options.class_count, "width": options.size, "height": options.size}
    _set(graph, _CLASS, class_settings)
    training = {
        "steps": options.steps,
        "learning_rate": options.learning_rate,
        "rank": options.rank,
        "seed": options.seed,
        "save_every": options.save_every,
        "sample_prompts": "\n".join(samples),
        "filename_prefix": name,
    }
    _set(graph, TRAIN, training)
    if options.class_count == 0:
        _remove_class(graph)
    apply_settings(graph, options.settings)
    return graph


def summary(graph: Graph) -> str:
    """Return a line on the checkpoint, the size, the steps and the class pictures of a graph."""
    inputs = {node["class_type"]: node["inputs"] for node in graph.values()}
    dataset, train, of_class = (inputs.get(kind, {}) for kind in (DATASET, TRAIN, _CLASS))
    return (
        f"{inputs[CHECKPOINT]['ckpt_name']}, {dataset['width']} x {dataset['height']}, "
        f"{train['steps']} steps, {of_class.get('count', 'no')} class pictures, "
        f"prompt: {dataset['prompt']}"
    )


def _set(graph: Graph, class_type: str, values: Mapping[str, object]) -> None:
    for node_id in nodes_of_type(graph, class_type):
        given = {name: value for name, value in values.items() if value is not None}
        graph[node_id]["inputs"].update(given)


def _remove_class(graph: Graph) -> None:
    """Remove Class Images and all nodes that show them; the training then has no prior."""
    removed = set(nodes_of_type(graph, _CLASS))
    for node_id in nodes_of_type(graph, TRAIN):
        graph[node_id]["inputs"].pop("class_images", None)
    for node_id, node in list(graph.items()):
        links = (value for value in node["inputs"].values() if isinstance(value, list))
        if node_id in removed or any(str(link[0]) in removed for link in links):
            del graph[node_id]
