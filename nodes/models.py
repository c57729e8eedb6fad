"""Load TIPO Model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfy_api.latest import io

from . import memory as host
from .host_features import schema

TipoModel = io.Custom("TIPO_MODEL")


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
            description="Loads a TIPO language model. ComfyUI manages its memory as it does for "
            "every other model. tipo-nano comes with the pack; a published model that is not there "
            "is downloaded into models/tipo when the node runs.",
            inputs=[
                ModelCombo(
                    "model",
                    host.model_labels(),
                    default=host.NANO,
                    tooltip="tipo-nano is small, quick and always there. Published models are "
                    "downloaded when the node runs, if they are not there: TIPO-100M 0.4 GB, "
                    "TIPO-200M 0.8 GB, TIPO-500M 2 GB, TIPOv2-1B-A200M and TIPO-v2.1-1B-A200M 2 "
                    "GB. Others are folders and files of models/tipo, models/kgen and models/LLM.",
                ),
                io.Combo.Input(
                    "device",
                    options=host.device_names(),
                    default="auto",
                    tooltip="Where the model runs. auto is ComfyUI's choice for text encoders.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(host.PRECISIONS),
                    default="auto",
                    tooltip="Number format of the weights. auto is fp16 on a CPU, computed with in "
                    "fp32, and ComfyUI's choice for text encoders on an accelerator. int8 takes "
                    "the least memory; on a CPU it is the fastest with VNNI, and several times "
                    "slower than auto without.",
                ),
            ],
            outputs=[
                TipoModel.Output(
                    "tipo_model",
                    display_name="model",
                    tooltip="For TIPO Expand and TIPO Single Task.",
                ),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="What was loaded from where, and the other models with size, licence "
                    "and whether they are there.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool | str:
        # A linked value is None here and is checked when the node runs.
        return model is None or host.name_problem(model) or True

    @classmethod
    def fingerprint_inputs(cls, model: str, device: str, precision: str) -> object:
        return host.files_fingerprint(model)

    @classmethod
    def execute(cls, model: str, device: str, precision: str) -> io.NodeOutput:
        loaded = host.load_model(model, device, precision)
        report = host.model_report(loaded)
        return io.NodeOutput(loaded, report, ui={"text": [report]})


NODES = [TipoLoadModel]
