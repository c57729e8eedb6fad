"""The model files with which a graph made a picture: model, VAE, LoRAs, embeddings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..listed_files import ListedFiles
from ..loras.lora_tags import prompt_tags
from ..vae.vae_choice import CHECKPOINT_CHOICE
from .generation_settings import model_file, model_name, vae_file
from .graph_links import Graph, Node
from .way_back import way_back, with_noise

MODEL, VAE, LORA, EMBEDDING = "model", "vae", "lora", "embedding"
# ComfyUI's folders of model files, in the order of the search.
FOLDERS = {
    MODEL: ("checkpoints", "diffusion_models", "unet_gguf"),
    VAE: ("vae",),
    LORA: ("loras",),
    EMBEDDING: ("embeddings",),
}
TAG_LOADER = "TipoLoraPrompt"  # applies the LoRAs of tags in its text
STRENGTHS = ("strength_model", "strength_clip", "strength")
_EMBEDDING = re.compile(r"\bembedding:([^\s,:()\[\]|<>]+)", re.IGNORECASE)


@dataclass(frozen=True)
class UsedFile:
    """A file: its kind, and its name in the graph or the prompt."""

    kind: str
    name: str

    @property
    def short_name(self) -> str:
        """The name under which A1111 lists the file's hash."""
        return re.sub("[:,]", "", model_name(self.name))

    def listed(self, names: Iterable[str]) -> str | None:
        """Return the one of a folder's names that is meant, or None.

        A prompt may name a LoRA or embedding without folder and ending; other names are exact.
        """
        names = tuple(names)
        if self.kind in (LORA, EMBEDDING):
            matches = ListedFiles(names).matches(self.name)
            return matches[0] if len(matches) == 1 else None
        wanted = self.name.replace("\\", "/")
        return next((name for name in names if name.replace("\\", "/") == wanted), None)


def read_used_files(
    graph: Graph, node_id: str, prompts: Sequence[str | None], name: str = "images"
) -> list[UsedFile]:
    """Read the files of the pictures at input `name` of a node, each once.

    The names come from the graph and the prompts, and are not checked. Where several samplers meet,
    no files are read. LoRAs of strength 0 and the VAE of a checkpoint are left out.
    """
    back = way_back(graph, graph.node(node_id), (name,))
    if len(back.samplers) != 1:
        return []
    sampler = with_noise(graph, back.samplers[0])
    guider = graph.linked(sampler, "guider") or sampler
    found: list[UsedFile] = []
    if model := model_file(graph, guider):
        found.append(UsedFile(MODEL, model))
    vae = vae_file(graph, back.decodes)
    if vae and not vae.startswith(CHECKPOINT_CHOICE):
        found.append(UsedFile(VAE, vae))
    written = "\n".join(text or "" for text in prompts)
    for loader in graph.chain(guider, "model"):
        found += [UsedFile(LORA, lora) for lora in _loras(graph, loader)]
        if loader.class_type == TAG_LOADER:
            tags = prompt_tags(graph.value(loader, "text", str) or written).loras
            found += [UsedFile(LORA, tag.name) for tag in tags if tag.model or tag.clip]
    found += [UsedFile(EMBEDDING, one) for one in _EMBEDDING.findall(written)]
    return list(dict.fromkeys(found))


def _loras(graph: Graph, loader: Node) -> Iterator[str]:
    """The LoRA files that a node applies: one, or several in the rows of its list."""
    lora = graph.value(loader, "lora_name", str)
    strengths = [graph.value(loader, name, float) for name in STRENGTHS if name in loader.inputs]
    if lora and lora != "None" and any(strength != 0 for strength in strengths or [1]):
        yield lora
    for row in loader.inputs.values():
        if isinstance(row, dict) and row.get("on") is True and isinstance(row.get("lora"), str):
            yield row["lora"]
