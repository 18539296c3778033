"""Steps go in, predictions come out: tokens, sequence mixers, the model, and its checkpoints on disk."""
