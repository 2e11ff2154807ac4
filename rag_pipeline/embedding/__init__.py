"""Text to vectors: the model's files, its tokens, the vectors themselves."""
