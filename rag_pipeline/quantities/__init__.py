"""Numbers, dates and units as texts write them: facts of notation, with nothing to tune."""
