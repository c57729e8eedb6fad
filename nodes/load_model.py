"""Load TIPO Model."""

from __future__ import annotations

from comfy_api.latest import io

from . import host

TipoModel = io.Custom("TIPO_MODEL")


class TipoLoadModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TipoLoadModel",
            display_name="Load TIPO Model",
            category="TIPO",
            description="Loads a TIPO language model. ComfyUI manages its memory as it does for "
            "every other model. tipo-nano comes with the pack; put others, each a folder with "
            "config.json, model.safetensors and tokenizer.json, into models/tipo.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=host.model_names(),
                    default=host.NANO,
                    tooltip="tipo-nano is small, quick and always there. Other models are folders "
                    "of models/tipo, models/kgen or models/LLM.",
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
                    tooltip="Number format of the weights. auto is fp32 on a CPU and ComfyUI's "
                    "choice for text encoders on an accelerator.",
                ),
            ],
            outputs=[
                TipoModel.Output(
                    "tipo_model",
                    display_name="model",
                    tooltip="For TIPO Expand and TIPO Single Task.",
                )
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
        return io.NodeOutput(host.load_model(model, device, precision))


NODES = [TipoLoadModel]
