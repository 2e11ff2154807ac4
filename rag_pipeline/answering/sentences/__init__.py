"""Passages cut into what can be quoted alone: sentences, table rows, labels with their values, short lines that belong together."""
