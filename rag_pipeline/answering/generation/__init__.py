"""Answers from passages: by a language model, or in the documents' own sentences, each claim with its citation."""
