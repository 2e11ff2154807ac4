"""Everything a browser is shown: what is shown (modules), how it looks (``templates``, ``static``).

Belongs here: decisions on what to show, as plain data, and pictures of pages. Not here: components and events (``pages``), routes (``api``,
``web``).
"""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
