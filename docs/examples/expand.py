"""Expand two tags into a detailed prompt."""

from tipo_core import expand, load_model

model = load_model("tipo-nano")
print(expand(model, tags="1girl, cat ears", seed=1).prompt)
