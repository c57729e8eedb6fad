"""The parts of toy-sd: UNet, autoencoder, text tower, noise schedule, and how it ships."""
