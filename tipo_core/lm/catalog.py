"""The models that are known, and those that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .checkpoint import ModelFiles

NANO = "tipo-nano"


@dataclass(frozen=True)
class KnownModel:
    """A published model that the one loader serves."""

    name: str
    repository: str
    licence: str
    parameters: str


KNOWN_MODELS = (
    KnownModel("TIPO-100M", "KBlueLeaf/TIPO-100M", "apache-2.0", "100 M"),
    KnownModel("TIPO-200M", "KBlueLeaf/TIPO-200M", "apache-2.0", "203 M"),
    KnownModel("TIPO-200M-ft", "KBlueLeaf/TIPO-200M-ft", "kohaku-license-1.0", "203 M"),
    KnownModel("TIPO-200M-ft2", "KBlueLeaf/TIPO-200M-ft2", "kohaku-license-1.0", "203 M"),
    KnownModel("TIPO-500M", "KBlueLeaf/TIPO-500M", "kohaku-license-1.0", "508 M"),
    KnownModel("TIPO-500M-ft", "KBlueLeaf/TIPO-500M-ft", "kohaku-license-1.0", "508 M"),
)


def shipped_model() -> ModelFiles:
    """Return the files of the small model inside the package."""
    return ModelFiles(Path(__file__).parent.parent / "assets" / NANO)


def present_models(roots: Iterable[Path]) -> Mapping[str, ModelFiles]:
    """Return the models to choose from by name: the shipped one, then what the roots hold.

    A model is a folder with a `config.json`; its name is the folder's name. The first root that
    has a name wins. A folder without weights is listed all the same, so that choosing it says
    what is missing.
    """
    found = {NANO: shipped_model()}
    for root in roots:
        if not root.is_dir():
            continue
        for folder in sorted(root.iterdir(), key=lambda path: path.name.lower()):
            if folder.name not in found and (folder / "config.json").is_file():
                found[folder.name] = ModelFiles(folder)
    return found


def find_model(name: str, roots: Iterable[Path]) -> ModelFiles:
    """Return the files of the model called `name`.

    A name that is not there is a FileNotFoundError that lists what is and, for a published model,
    says where it can be had. `name` is only ever looked up, never used as a path.
    """
    roots = list(roots)
    found = present_models(roots)
    if name in found:
        return found[name]
    folder = roots[0] if roots else Path("models") / "tipo"
    known = next((model for model in KNOWN_MODELS if model.name == name), None)
    remedy = f"put it into {folder / Path(name).name} or choose one of {', '.join(found)}"
    if known:
        remedy = f"download https://huggingface.co/{known.repository} and {remedy}"
    raise FileNotFoundError(f"there is no model {name!r}: {remedy}")
