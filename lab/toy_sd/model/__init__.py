"""The parts of toy-sd: UNet, autoencoder, text tower, noise schedule, packed weights."""
