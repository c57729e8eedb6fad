"""Nodes for LoRAs: load those that a prompt names."""
