"""The network and its state during generation.

- `config`: sizes of the layers.
- `llama`: the Llama network.
- `moe`: the mixture-of-experts block.
- `kv_cache`: keys and values of past tokens, and attention to them.
- `fp16_kv_cache`: the same in fp16, for CPUs.
- `precision`: the dtypes of storage and computation.
"""
