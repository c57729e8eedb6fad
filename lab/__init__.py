"""The laboratory: how tipo-nano and toy-sd are made and measured; no user needs it."""
