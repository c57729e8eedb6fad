"""toy-sd: a tiny text-to-image model in SD1.x format, trained on drawings with named parts.

    python -m lab.toy_sd train|reader|report|protocol

drawings/   scenes, their prompts and pictures
model/      UNet, autoencoder, text tower, checkpoint files
training/   autoencoder, then UNet
report/     the reader, the accuracy report, the expansion protocol
"""
