"""Model files, converted into a `Llama` and its tokenizer.

- `model_files`: the paths of a model's parts.
- `loader`: loads all parts.
- `hf_config`: `config.json`.
- `safetensors_file`: tensors of safetensors files and shards.
- `gguf_header`, `gguf_file`, `gguf_tokenizer`: header, tensors and tokenizer of GGUF files.
- `dots1_gguf`: GGUF files of TIPO v2.
- `weights`: the interface of all sources of tensors, and the assignment to a model.
- `fused_weights`: conversion to the model's fused, fp16 and int8 matrices.
- `moe_weights`: conversion of experts.
- `file_type`: detection of other types of files, for errors.
"""
