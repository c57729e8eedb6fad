"""The parts of encoding, sampling, decoding and saving pictures that need no ComfyUI.

- `text`: clip skip, token weights, prompt schedules
- `loras`: LoRAs that a prompt names
- `sampling`: denoise, guidance, sweeps of parameters and their grid
- `vae`: the VAE menu, diffusers folders, tiling, row strips, inpainting
- `listed_files`: files of a folder list by the names that people write
- `files`: picture formats, metadata, settings read from a graph
"""
