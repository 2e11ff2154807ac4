"""Questions in their conversation: follow-ups completed, questions taken apart, answers kept."""
