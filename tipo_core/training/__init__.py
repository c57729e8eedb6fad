"""Train a TIPO model on tags and captions of your own.

    python -m tipo_core.training --samples FILE.jsonl --out FOLDER

sample           a training sample, and the JSON Lines file that holds a user's
records          a sample as a random request and its answer
record_pools     records as token ids
tokenizer        a byte-level BPE with the TIPO tokens
train            recipe, batches, loss, optimizers, the loop
training_state   from which a stopped run continues
workers          pieces of work in several processes

ComfyUI's registry archive of the pack leaves this package out (see `train`).
"""
