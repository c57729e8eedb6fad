"""VAEs without ComfyUI.

- `vae_choice`: the menu of Load VAE, and errors about a choice
- `vae_tensors`: the VAE among the tensors of a file, and errors about missing ones
- `diffusers_folder`: VAEs in the folder layout of diffusers
- `vae_precision`: number formats that a device can compute
- `load_report`: the report of Load VAE
- `input_checks`: latents and pixels that do not fit a VAE
- `tiling`: tiles and strips of a picture
- `attempts`: the order of attempts if memory is short
- `row_strips`: runs a VAE in strips of rows, exactly
- `inpainting`: masks before encoding and after decoding
"""
