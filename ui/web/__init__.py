"""The web server of the app: what is mounted where, who is let in, how often, how much, and what all requests share.

Not here: routes that do something with documents (``api``), what is shown (``views``).
"""
