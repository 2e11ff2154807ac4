"""The app: FastAPI with Gradio mounted. It reads the answer stream and the catalog, puts new files into the watched folder, and asks
Dagster over HTTP only.

Four rooms, each of which may import those after it: ``api`` (routes that programs call, and the pages that citations open) and ``pages``
(Gradio), ``web`` (who is let in, what requests share), ``views`` (what a browser is shown). ``web/app.py`` puts all together.
"""

from ui.gradio_without_stubs import import_without_stubs

import_without_stubs()  # here, so that it comes before Gradio whichever of the rooms is entered first
