"""Everything a browser is shown: markup, styles, and the decisions on what to show. Not here: components and events (``pages``), routes."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"
