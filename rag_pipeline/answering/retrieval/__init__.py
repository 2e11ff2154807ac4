"""The passages that may hold the answer, in order."""
