"""Picture files and their metadata.

- `image_file`: encodes a picture by quality or size
- `formats`: PNG, WebP, JPEG and AVIF, their limits and encoders
- `metadata`: the graph and the prompt as PNG chunks and EXIF
- `exif`: EXIF with a user comment that A1111's readers know
- `generation_settings`: reads prompts, sampler, model and VAE from a graph
- `graph_links`: follows the links of a graph in API form
- `way_back`: the way from a picture back to its sampler
- `swept_values`: the values that a sweep of the graph gave to one picture
- `used_files`, `file_hashes`: the model files of a picture, and their hashes
- `file_prefix`: values of the graph and dates in file names
- `unfinished_files`: temporary files, and those that a crash left
- `infotext`: the settings as the text that A1111 writes
"""
