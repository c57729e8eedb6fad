"""The drawings that toy-sd learns, their prompts, and both kept as tensors."""
