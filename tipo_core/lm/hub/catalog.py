"""The models that are known, and those that are there."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..files.loader import ModelFiles

NANO = "tipo-nano"
_HUB = "https://huggingface.co"
_SAYS_TIPO = re.compile(r"tipo", re.IGNORECASE)
_FOLDER_PARTS = (("config.json",), ("tokenizer.json", "tokenizer.model"), ("model.safetensors",))


@dataclass(frozen=True)
class KnownModel:
    """A published model that the one loader serves.

    `gguf` is the name of its GGUF file; `gigabytes` is about what a download takes.
    """

    name: str
    repository: str
    licence: str
    parameters: str
    gguf: str
    gigabytes: float
    comes_as_gguf: bool = False

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """The files that a download fetches, in this order: of each entry the first there is."""
        return ((self.gguf,),) if self.comes_as_gguf else _FOLDER_PARTS

    @property
    def facts(self) -> str:
        """Size and licence, as menus and reports show them."""
        return f"{self.gigabytes:g} GB, {self.licence}"

    def folder(self, root: Path) -> Path:
        """Return the folder below `root` that the files belong into."""
        return root if self.comes_as_gguf else root / self.name

    def by_hand(self, root: Path) -> str:
        """Return how to put the model below `root` without a download from here."""
        names = ", ".join(names[0] for names in self.parts)
        return (
            f"download {names} from {_HUB}/{self.repository}/tree/main and put "
            f"{'it' if len(self.parts) == 1 else 'them'} into {self.folder(root)}"
        )


def _published(
    name: str,
    licence: str,
    parameters: str,
    gguf: str,
    gigabytes: float,
    comes_as_gguf: bool = False,
) -> KnownModel:
    return KnownModel(
        name, f"KBlueLeaf/{name}", licence, parameters, gguf, gigabytes, comes_as_gguf
    )


_APACHE = "apache-2.0"
_KOHAKU = "kohaku-license-1.0"

KNOWN_MODELS = (
    _published("TIPO-100M", _APACHE, "100 M", "TIPO-100M-F16.gguf", 0.4),
    _published("TIPO-200M", _APACHE, "203 M", "TIPO-200M-40Btok-F16.gguf", 0.81),
    _published("TIPO-200M-ft", _KOHAKU, "203 M", "TIPO-200M-ft-F16.gguf", 0.81),
    _published("TIPO-200M-ft2", _KOHAKU, "203 M", "TIPO-200M-ft2-F16.gguf", 0.81),
    _published("TIPO-500M", _KOHAKU, "508 M", "TIPO-500M_epoch5-F16.gguf", 2.03),
    _published("TIPO-500M-ft", _KOHAKU, "508 M", "TIPO-500M-ft-F16.gguf", 2.03),
    _published(
        "TIPOv2-1B-A200M", _KOHAKU, "991 M, 193 M active", "TIPOv2-1B-A200M-f16.gguf", 1.98, True
    ),
    _published(
        "TIPO-v2.1-1B-A200M",
        _KOHAKU,
        "991 M, 193 M active",
        "TIPO-v2.1-1B-A200M-f16.gguf",
        1.98,
        True,
    ),
)


@dataclass(frozen=True)
class Offer:
    """An entry of the menu of models; `files` is None while the model is not there."""

    name: str
    files: ModelFiles | None
    known: KnownModel | None = None

    @property
    def label(self) -> str:
        """The entry as it is shown: name, size, licence, and whether it is there."""
        if self.known is None:
            return self.name if self.name != NANO else f"{NANO} (comes with the pack)"
        absent = "" if self.files else ", downloads when it runs"
        return f"{self.name} ({self.known.facts}{absent})"


def shipped_model() -> ModelFiles:
    """Return the files of the small model inside the package."""
    return ModelFiles(Path(__file__).parents[2] / "assets" / NANO)


def known_model(name: str) -> KnownModel | None:
    """Return the published model of that name."""
    return next((model for model in KNOWN_MODELS if model.name == name), None)


def offers(roots: Iterable[Path], shared: Iterable[Path] = ()) -> tuple[Offer, ...]:
    """Return what there is to choose from: the shipped model, those there, those to download.

    A published model goes by its own name, also where the file is called otherwise.
    """
    found = dict(present_models(roots, shared))
    entries = [Offer(NANO, found.pop(NANO))]
    known = {model: _published_files(model, found) for model in KNOWN_MODELS}
    entries += [Offer(model.name, files, model) for model, files in known.items() if files]
    shown = {files.path for files in known.values() if files}
    names = {model.name for model in KNOWN_MODELS}
    entries += [
        Offer(name, files)
        for name, files in found.items()
        if files.path not in shown and name not in names
    ]
    entries += [Offer(model.name, None, model) for model, files in known.items() if not files]
    return tuple(entries)


def to_download(name: str, roots: Iterable[Path], shared: Iterable[Path] = ()) -> KnownModel | None:
    """Return the published model called `name` if no complete copy of it is there."""
    model = known_model(name)
    return model if model and not _published_files(model, present_models(roots, shared)) else None


def present_models(roots: Iterable[Path], shared: Iterable[Path] = ()) -> Mapping[str, ModelFiles]:
    """Return the models that are there by name: the shipped one, then what the roots hold.

    A model is a folder with a `config.json`, a `.gguf` file, or a `.safetensors` file with its
    config beside it; its name is that of the folder or file, and the first root that has it wins.
    A folder without weights is listed all the same, so that choosing it says what is missing. In
    `shared` folders, which hold models of other kinds, only names that say TIPO count.
    """
    found = {NANO: shipped_model()}
    for root in roots:
        for files in _models_in(root):
            found.setdefault(files.path.name, files)
    for root in shared:
        for files in _models_in(root):
            if _SAYS_TIPO.search(files.path.name):
                found.setdefault(files.path.name, files)
    return found


def _models_in(root: Path) -> Iterator[ModelFiles]:
    paths: list[Path] = []
    # A folder that is not there or may not be read holds no models; the menu must not fail of it.
    with contextlib.suppress(OSError):
        paths = sorted(root.iterdir(), key=lambda path: path.name.lower())
    for path in paths:
        suffix = path.suffix.lower()
        is_single_file = path.is_file() and (
            suffix == ".gguf" or (suffix == ".safetensors" and path.with_suffix(".json").is_file())
        )
        if is_single_file or (path / "config.json").is_file():
            yield ModelFiles(path)


def _published_files(model: KnownModel, found: Mapping[str, ModelFiles]) -> ModelFiles | None:
    """Return the complete files of a published model: its folder, or else its GGUF file.

    The reference pack puts `<model>_` before the name of the file.
    """
    if model.name in found and _is_complete(found[model.name]):
        return found[model.name]
    gguf = model.gguf.lower()
    names = (name for name in found if name.lower() == gguf or name.lower().endswith(f"_{gguf}"))
    return next((found[name] for name in names), None)


def _is_complete(files: ModelFiles) -> bool:
    try:
        files.check()
    except FileNotFoundError:
        return False
    return True


def find_model(name: str, roots: Iterable[Path], shared: Iterable[Path] = ()) -> ModelFiles:
    """Return the files of the model called `name`, a name of `present_models` or a published one.

    A name that is not there is a FileNotFoundError that lists what is and, for a published model,
    says where it can be had. `name` is only ever looked up, never used as a path.
    """
    roots = list(roots)
    found = present_models(roots, shared)
    known = known_model(name)
    files = (_published_files(known, found) if known else None) or found.get(name)
    if files:
        return files
    folder = roots[0] if roots else Path("models") / "tipo"
    choose = f"choose one of {', '.join(found)}"
    if known:
        raise FileNotFoundError(f"there is no model {name!r}: {known.by_hand(folder)}, or {choose}")
    raise FileNotFoundError(
        f"there is no model {name!r}: put it into {folder / Path(name).name} or {choose}"
    )
