"""Load Sweep Models: the checkpoints and VAEs of a TIPO Sweep, each loaded once."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

import nodes

from ...tipo_core.pictures.sampling.axis import AUTOMATIC_VAE, CHECKPOINT, VAE
from ...tipo_core.pictures.sampling.sweep import Sweep
from ..host_features import schema
from ..inputs import SweepType, report_output
from ..vae.load_vae import load_vae


class TipoSweepModels(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="TipoSweepModels",
            display_name="Load Sweep Models",
            category="TIPO/sampling",
            search_aliases=["compare checkpoints", "compare vae", "xy plot checkpoint"],
            shows_report=True,
            description="Loads the checkpoints or VAEs that a TIPO Sweep lists, each once, and "
            "gives one per cell of the grid. All of them stay in memory until the run ends.",
            inputs=[
                SweepType.Input("sweep", tooltip="From TIPO Sweep."),
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="Model of all pictures, if the sweep changes no checkpoint.",
                ),
                io.Clip.Input(
                    "clip",
                    optional=True,
                    tooltip="Text encoder of all pictures, if the sweep changes no checkpoint.",
                ),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="VAE of all pictures, if the sweep changes no VAE. With checkpoints it "
                    "replaces their own VAEs.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    "models",
                    display_name="model",
                    is_output_list=True,
                    tooltip="For a sampler: one model per cell, row by row, or one for all.",
                ),
                io.Clip.Output(
                    "clips",
                    display_name="clip",
                    is_output_list=True,
                    tooltip="For text encoders: one CLIP per cell, row by row, or one for all.",
                ),
                io.Vae.Output(
                    "vaes",
                    display_name="vae",
                    is_output_list=True,
                    tooltip="For VAE Decode: one VAE per cell, row by row, or one for all.",
                ),
                report_output("The loaded files."),
            ],
        )

    @classmethod
    def execute(
        cls, sweep: Sweep, model: Any = None, clip: Any = None, vae: Any = None
    ) -> io.NodeOutput:
        checkpoints = [str(name) for name in sweep.values_of(CHECKPOINT)]
        vae_names = [str(name) for name in sweep.values_of(VAE)]
        loader = nodes.CheckpointLoaderSimple()
        loaded = {
            name: loader.load_checkpoint(ckpt_name=name)[:3] for name in dict.fromkeys(checkpoints)
        }
        triples = [loaded[name] for name in checkpoints] or [(model, clip, vae)]
        own = [vae or triple[2] for triple in triples]
        vaes = {
            name: load_vae(name)[0] for name in dict.fromkeys(vae_names) if name != AUTOMATIC_VAE
        }
        if vae_names:
            own = [*own * (len(vae_names) // len(own))]
            own = [vaes.get(name, one) for name, one in zip(vae_names, own, strict=True)]
            if any(one is None for one in own):
                raise ValueError(
                    f"The sweep lists the VAE '{AUTOMATIC_VAE}', and the input vae is not "
                    "connected: connect the VAE of the checkpoint."
                )
        lines = [f"checkpoint '{name}'" for name in loaded] + [f"VAE '{name}'" for name in vaes]
        report = "\n".join(lines) or "The sweep changes neither checkpoint nor VAE."
        return io.NodeOutput(
            [one for one, _, _ in triples],
            [one for _, one, _ in triples],
            own,
            report,
            ui=ui.PreviewText(report),
        )


NODES = [TipoSweepModels]
