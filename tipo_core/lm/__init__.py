"""Language models: model files, tokenizers and generation. It knows token ids, not tags.

Each folder imports only folders above it in this list:

- `kernels`: CPU matrix products: fp16 and int8 linear layers, embedding bags.
- `model`: the network: config, Llama, mixture of experts, key/value caches, precisions.
- `tokenizers`: text to token ids and back, for SentencePiece and byte-level BPE vocabularies.
- `files`: safetensors and GGUF files, converted into a model and its tokenizer.
- `generate`: completions: requests, scheduling, decoding in batches, token sampling.
- `hub`: the published models, the menu of models, downloads, and models by name.
"""
