"""Text generation: completion requests, the engine with its scheduler, batches, token sampling."""
