"""The published models, the models on disk, and the menu of both."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..files.file_type import wrong_type
from ..files.model_files import ModelFiles

NANO = "tipo-nano"
_HUB = "https://huggingface.co"
_MAX_SHOWN = 80  # characters of a name in an error
_TIPO_IN_NAME = re.compile(r"tipo", re.IGNORECASE)
# Models of the same author and folders, for tags alone.
_OTHER_FORMAT = re.compile(r"dantaggen", re.IGNORECASE)
_FOLDER_PARTS = (("config.json",), ("tokenizer.json", "tokenizer.model"), ("model.safetensors",))


@dataclass(frozen=True)
class KnownModel:
    """A published model.

    `gguf` is the name of its GGUF file; `gigabytes` is the approximate download size in GB (1e9
    bytes); `is_gguf_download` says that the GGUF file is downloaded, not the Hugging Face folder.
    """

    name: str
    repository: str
    licence: str
    parameters: str
    gguf: str
    gigabytes: float
    is_gguf_download: bool = False

    @property
    def download_files(self) -> tuple[tuple[str, ...], ...]:
        """The files to download, in order; of alternative names the first that the hub has."""
        return ((self.gguf,),) if self.is_gguf_download else _FOLDER_PARTS

    @property
    def facts(self) -> str:
        """Size and licence, as shown in menus and reports."""
        return f"{self.gigabytes:g} GB, {self.licence}"

    def folder(self, root: Path) -> Path:
        """Return the folder of the files, `root` or a folder in it."""
        return root if self.is_gguf_download else root / self.name

    def manual_download(self, root: Path) -> str:
        """Return the instruction for a download by hand, as part of an error message."""
        names = ", ".join(names[0] for names in self.download_files)
        return (
            f"download {names} from {_HUB}/{self.repository}/tree/main and put "
            f"{'it' if len(self.download_files) == 1 else 'them'} into {self.folder(root)}"
        )

    def download_command(self, folder: Path) -> str:
        """Return the command of Hugging Face's own tool that downloads the model to a folder."""
        files = self.gguf if self.is_gguf_download else '--exclude "*.gguf"'
        return f'hf download {self.repository} {files} --local-dir "{folder}"'


def _published(
    name: str,
    licence: str,
    parameters: str,
    gguf: str,
    gigabytes: float,
    is_gguf_download: bool = False,
) -> KnownModel:
    return KnownModel(
        name, f"KBlueLeaf/{name}", licence, parameters, gguf, gigabytes, is_gguf_download
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


_FOR_REAL_WORK = "TIPO-200M (0.81 GB)"


@dataclass(frozen=True)
class MenuEntry:
    """An entry of the menu of models; `files` is None for a model that is not on disk."""

    name: str
    files: ModelFiles | None
    known: KnownModel | None = None

    @property
    def label(self) -> str:
        """The shown text: name, size, licence, and whether the model must be downloaded."""
        if self.known is None:
            if _OTHER_FORMAT.search(self.name):
                return f"{self.name} (DanTagGen: reads another prompt format)"
            return self.name if self.name != NANO else f"{NANO} (comes with the pack)"
        download = "" if self.files else ", downloads when it runs"
        return f"{self.name} ({self.known.facts}{download})"


def shipped_model() -> ModelFiles:
    """Return the files of tipo-nano, which comes with the package."""
    return ModelFiles(Path(__file__).parents[2] / "assets" / NANO)


def known_model(name: str) -> KnownModel | None:
    """Return the published model called `name`, None if there is none."""
    return next((model for model in KNOWN_MODELS if model.name == name), None)


def menu_entries(roots: Iterable[Path], shared: Iterable[Path] = ()) -> tuple[MenuEntry, ...]:
    """Return the menu: the shipped model, models on disk, then models to download.

    `roots` are folders of TIPO models, `shared` folders of other models too (see `local_models`). A
    published model is listed by its own name, also if its file has another name.
    """
    found = dict(local_models(roots, shared))
    entries = [MenuEntry(NANO, found.pop(NANO))]
    known = {model: _published_files(model, found) for model in KNOWN_MODELS}
    entries += [MenuEntry(model.name, files, model) for model, files in known.items() if files]
    listed = {files.path for files in known.values() if files}
    names = {model.name for model in KNOWN_MODELS}
    entries += [
        MenuEntry(name, files)
        for name, files in found.items()
        if files.path not in listed and name not in names
    ]
    entries += [MenuEntry(model.name, None, model) for model, files in known.items() if not files]
    return tuple(entries)


def missing_model(
    name: str, roots: Iterable[Path], shared: Iterable[Path] = ()
) -> KnownModel | None:
    """Return the published model called `name` if no complete copy is on disk, else None."""
    model = known_model(name)
    return model if model and not _published_files(model, local_models(roots, shared)) else None


def local_models(roots: Iterable[Path], shared: Iterable[Path] = ()) -> Mapping[str, ModelFiles]:
    """Return the models on disk by name: the shipped one, then those in `roots` and `shared`.

    A model is a folder with a `config.json`, a `.gguf` file, or a `.safetensors` file with a config
    of the same name; it is called like the folder or file, and the first folder that has it wins. A
    folder without weights is listed too, so that choosing it names the missing file. In `shared`
    folders, which hold other models too, only names that contain "tipo" count.
    """
    found = {NANO: shipped_model()}
    for root in roots:
        for files in _models_in(root):
            found.setdefault(files.path.name, files)
    for root in shared:
        for files in _models_in(root):
            if _TIPO_IN_NAME.search(files.path.name):
                found.setdefault(files.path.name, files)
    return found


def _models_in(root: Path) -> Iterator[ModelFiles]:
    """Yield the models in a folder, sorted by name."""
    paths: list[Path] = []
    # A missing or unreadable folder counts as empty, so that the menu still works.
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
    """Return the complete files of a published model: its folder, else its GGUF file, else None.

    The reference pack puts `<model>_` before the name of the GGUF file.
    """
    if model.name in found and _is_complete(found[model.name]):
        return found[model.name]
    gguf = model.gguf.lower()
    names = (name for name in found if name.lower() == gguf or name.lower().endswith(f"_{gguf}"))
    return next((found[name] for name in names if _is_complete(found[name])), None)


def _is_complete(files: ModelFiles) -> bool:
    """Whether all parts are on disk and none is another type of file, such as a web page."""
    try:
        files.check()
    except FileNotFoundError:
        return False
    return not any(map(wrong_type, (files.config, files.weights, files.tokenizer)))


def find_model(name: str, roots: Iterable[Path], shared: Iterable[Path] = ()) -> ModelFiles:
    """Return the files of the model called `name`, a name of `local_models` or a published one.

    Raises FileNotFoundError that lists the models on disk and, for a published model, says how to
    download it; ValueError for another type. `name` is only looked up, never used as a path.
    """
    if not isinstance(name, str):
        raise ValueError(f"model is {name!r}, not a name: choose one from the menu")
    roots = list(roots)
    found = local_models(roots, shared)
    known = known_model(name)
    files = (_published_files(known, found) if known else None) or found.get(name)
    if files:
        return files
    folder = roots[0] if roots else Path("models") / "tipo"
    choose = f"choose one of {', '.join(found)}"
    if known:
        raise FileNotFoundError(
            f"there is no model {name!r}: {known.manual_download(folder)}, or {choose}"
        )
    if list(found) == [NANO]:
        # Nothing but the shipped model is here: say how to get a better one.
        choose = (
            f"choose {NANO}, which comes with the pack, or for real work a published model, such "
            f"as {_FOR_REAL_WORK}, which is downloaded when the node runs"
        )
    if not name:
        raise FileNotFoundError(f"no model is chosen: {choose}")
    shown = repr(name if len(name) <= _MAX_SHOWN else f"{name[:_MAX_SHOWN]}...")
    if any(mark in name for mark in "/\\\0") or name in (".", ".."):
        raise FileNotFoundError(
            f"{shown} is not the name of a model: put the model into {folder}, choose it by the "
            f"name of its file or folder, or {choose}"
        )
    raise FileNotFoundError(f"there is no model {shown}: put it into {folder} or {choose}")
