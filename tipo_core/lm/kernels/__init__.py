"""CPU matrix products, faster than those of torch's layers for a few rows.

- `embedding_bag`: matrix-vector products as weighted sums of rows.
- `fp16_linear`: linear layers with fp16 weights, and RMSNorm.
- `int8_linear`: linear layers with int8 weights and inputs, with Hadamard rotations.
"""
