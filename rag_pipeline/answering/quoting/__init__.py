"""Answers in the documents' own sentences, and refusals, without a language model."""
