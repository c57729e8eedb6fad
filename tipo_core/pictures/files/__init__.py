"""Picture files and their metadata.

- `image_file`: encodes a picture by quality or size, and writes the file
- `formats`: PNG, WebP, JPEG and AVIF, their limits and encoders
- `metadata`: the graph and the prompt as PNG chunks and EXIF
- `exif`: EXIF with a user comment that A1111's readers know
- `generation_settings`: reads prompts, sampler, model and VAE from a graph
- `graph_links`: follows the links of a graph in API form
- `infotext`: the settings as the text that A1111 writes
"""
