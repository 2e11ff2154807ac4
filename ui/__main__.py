"""``python -m ui``: the app by itself, as ``rag up`` starts it."""

import os
import sys

from rag_pipeline.privacy import switch_off_telemetry


def main() -> int:
    """Serve until told to stop; the exit status."""
    switch_off_telemetry(os.environ)  # before gradio is imported: it reads its switches then
    from rag_pipeline.errors import RagError
    from rag_pipeline.settings import load_settings
    from ui.web.app import serve

    try:
        serve(load_settings())
    except RagError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
