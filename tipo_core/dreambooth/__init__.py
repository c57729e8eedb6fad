"""DreamBooth (Ruiz et al. 2022, arXiv 2208.12242) without ComfyUI: pictures of a subject teach a
diffusion model the subject, and pictures of its class keep the class.

- `training_pictures`: the pictures that the nodes hand on
- `training_recipe`: the settings of a training and their digest
- `batch_order`, `noise_levels`, `private_generators`: the data of each step
- `objective`: the losses of eps, v and flow models, min-SNR, the prior
- `layers`: LoRA and full weights in the layers of a host's model
- `optimizers`, `weight_average`: the steps
- `training_loop`, `run_state`: the loop and what it saves
- `loss_report`: report and chart
- `dataset`: folders of pictures, sized, captioned and looked at
- `remote`: a training on a ComfyUI server, from the command line
"""
