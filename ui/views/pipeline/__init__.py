"""The Pipeline tab: what is shown of runs, collections, figures, settings.

Belongs here: that, as plain data and HTML. Not here: finding it out (``web/pipeline.py``, ``web/dagster.py``), behaviour
(``static/pipeline.js``).
"""
