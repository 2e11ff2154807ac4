"""Where documents are read: processes with limits, the programs they start, results on their way out."""
