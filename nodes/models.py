"""Load TIPO Model: the folders of models, the menu, the download, the report and the node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io

from ..tipo_core.lm.files.model_files import ModelFiles
from ..tipo_core.lm.hub.catalog import NANO, find_model, known_model, menu_entries, missing_model
from ..tipo_core.lm.model.precision import PRECISIONS, resolve
from ..tipo_core.units import bytes_text
from .fingerprint import state_of
from .host_features import schema
from .hosted_model import HostedModel, load_hosted
from .inputs import TipoModel, report_output
from .memory import byte_progress, device_names, text_model_devices, text_model_dtype

# The pack's own folder comes first, then the folders of other packs that users of TIPO may have.
_FOLDERS = ("tipo", "kgen", "LLM")
# Holds other kinds of text encoders too.
_SHARED_FOLDER = "text_encoders"


def model_folders() -> list[Path]:
    """Return the folders that may hold TIPO models; configured paths precede models/NAME."""
    found = []
    for name in _FOLDERS:
        found += [*_configured(name), Path(folder_paths.models_dir) / name]
    return list(dict.fromkeys(found))


def download_folder() -> Path:
    """Return the folder that downloads are written to."""
    return model_folders()[0]


def _configured(name: str) -> list[Path]:
    """Return the paths of a folder name in ComfyUI's settings and extra_model_paths.yaml."""
    if name not in folder_paths.folder_names_and_paths:
        return []
    return [Path(path) for path in folder_paths.get_folder_paths(name)]


def _find(name: str) -> ModelFiles:
    return find_model(name, model_folders(), _configured(_SHARED_FOLDER))


def model_labels() -> Mapping[str, str]:
    """Return the menu of models: name to label (size, licence, whether it has to be downloaded).

    A model keeps its name when it has been downloaded.
    """
    return {
        offer.name: offer.label
        for offer in menu_entries(model_folders(), _configured(_SHARED_FOLDER))
    }


def name_problem(name: str) -> str:
    """Return why the model `name` is not available and the remedy, or '' if it is available."""
    if known_model(name):
        return ""
    try:
        _find(name)
    except (FileNotFoundError, ValueError) as error:
        return str(error)
    return ""


def files_fingerprint(name: str) -> str:
    """Return the state of a model's files, so that a replaced file is loaded again."""
    try:
        return state_of(_find(name).existing)
    except (FileNotFoundError, ValueError):
        return ""


def find_or_download(name: str) -> ModelFiles:
    """Return the files of the model called `name`; a published model is downloaded if absent."""
    absent = missing_model(name, model_folders(), _configured(_SHARED_FOLDER))
    if absent:
        # Imported for a download only: most sessions never need it.
        from ..tipo_core.lm.hub.download import download

        return ModelFiles(download(absent, download_folder(), byte_progress()))
    return _find(name)


def load_model(name: str, device: str, precision: str) -> HostedModel:
    """Return the model called `name`, loaded onto ComfyUI's offload device.

    A published model without files is downloaded first. Raises FileNotFoundError for a missing
    model or file, ValueError for a damaged file or an unknown device or precision, and
    DownloadError.
    """
    load_device, offload_device = text_model_devices(device)
    # Check the choices before a download starts.
    chosen = resolve(precision, load_device, text_model_dtype(load_device))
    return load_hosted(name, find_or_download(name), chosen, load_device, offload_device)


def model_report(hosted: HostedModel) -> str:
    """Return the report: path, precision, size and device of the model, then the other models."""
    files = _find(hosted.name)
    known = known_model(hosted.name)
    size = bytes_text(hosted.patcher.model_size())
    lines = [
        f"{hosted.name}: {files.path}",
        f"{hosted.precision.name}, {size}, on {hosted.patcher.load_device}",
    ]
    if known:
        lines.append(f"{known.parameters} parameters, {known.licence}")
    if hosted.name == NANO:
        lines.append(
            "a small model that comes with the pack; for real work choose a published one, which "
            "is downloaded when this node runs"
        )
    others = [label for name, label in model_labels().items() if name != hosted.name]
    return "\n".join([*lines, "", "other models:", *others])


class ModelCombo(io.Combo.Input):
    """A menu whose entries are shown by their labels (web/models.js) and saved by their names."""

    def __init__(self, id: str, labels: Mapping[str, str], **options: Any) -> None:
        super().__init__(id, options=list(labels), **options)
        self.labels = dict(labels)

    def as_dict(self) -> dict[str, Any]:
        described: dict[str, Any] = super().as_dict()
        return described | {"labels": self.labels}


class TipoLoadModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoLoadModel",
            display_name="Load TIPO Model",
            category="TIPO",
            search_aliases=["language model", "llm loader", "tipo"],
            advanced=["device", "precision"],
            shows_report=True,
            description="Loads a TIPO language model, and downloads a published one into "
            "models/tipo if necessary. ComfyUI manages its memory as it does for every other "
            "model. tipo-nano comes with the pack.",
            inputs=[
                ModelCombo(
                    "model",
                    model_labels(),
                    default=NANO,
                    tooltip="tipo-nano is small, fast and always available. A published model that "
                    "you do not have is downloaded when the node runs: TIPO-100M 0.4 GB, TIPO-200M "
                    "0.8 GB, TIPO-500M 2 GB, TIPOv2-1B-A200M and TIPO-v2.1-1B-A200M 2 GB. The "
                    "other entries are folders and files in models/tipo, models/kgen and "
                    "models/LLM.",
                ),
                io.Combo.Input(
                    "device",
                    options=device_names(),
                    default="auto",
                    tooltip="Device that runs the model. auto is ComfyUI's choice for text "
                    "encoders.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(PRECISIONS),
                    default="auto",
                    tooltip="Number format of the weights. auto is fp16 on a CPU, computed in "
                    "fp32, and ComfyUI's choice for text encoders on an accelerator. int8 needs "
                    "the least memory; it is the fastest on a CPU with VNNI and several times "
                    "slower than auto on other CPUs.",
                ),
            ],
            outputs=[
                TipoModel.Output(
                    "tipo_model",
                    display_name="model",
                    tooltip="For TIPO Expand and TIPO Single Task.",
                ),
                report_output(
                    "Path, precision, size and device of the model, and the other models with "
                    "size, licence and whether they have to be downloaded."
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        # A linked value is None here; it is checked when the node runs.
        return model is None or name_problem(model) or True

    @classmethod
    def fingerprint_inputs(cls, model: str, device: str, precision: str) -> object:
        return files_fingerprint(model)

    @classmethod
    def execute(cls, model: str, device: str, precision: str) -> io.NodeOutput:
        loaded = load_model(model, device, precision)
        report = model_report(loaded)
        return io.NodeOutput(loaded, report, ui={"text": [report]})


NODES = [TipoLoadModel]
