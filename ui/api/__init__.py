"""Everything that is asked for by address: our own API, OpenAI's, MCP, and the pages that citations open.

Belongs here: requests in, JSON, events, files or a page out. Not here: what a page shows (``views``), who is let in (``web``).
"""
