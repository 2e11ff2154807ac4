"""Answers from passages by a language model; for all answers, which claim is cited from where."""
