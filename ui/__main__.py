"""``python -m ui``: the app by itself, as ``rag up`` starts it."""

import gc
import os
import sys

from rag_pipeline.privacy import switch_off_telemetry


def main() -> int:
    """Serve until told to stop; the exit status."""
    switch_off_telemetry(os.environ)  # before gradio is imported: it reads its switches then
    from rag_pipeline.access import accepted_tokens
    from rag_pipeline.errors import RagError
    from rag_pipeline.settings import load_settings
    from ui.web.listening import listen

    try:
        settings = load_settings()
        accepted_tokens(settings)  # what is wrong is said at once, and not after three seconds of imports
        listen(settings).close()
        gc.disable()  # what is imported stays: to look for garbage in it meanwhile is a fifth of all that a start costs
        from ui.web.app import serve

        gc.enable()
        serve(settings)
    except RagError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
