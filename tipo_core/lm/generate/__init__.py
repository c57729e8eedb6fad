"""Generation: completion requests, the scheduler, decode batches, token sampling."""
