"""Dagster's code server, after the runs were marked that a killed one left. What follows is handed on to ``dagster api grpc``:

    python -m rag_pipeline.defs.code_server --socket PATH

Belongs here: that process. Not here: which runs are dead (``runs.py``), what is served (``definitions``).

One process for both: to load Dagster takes two seconds of processor time, for which each start would wait once more. Processes that read
documents import this module, as that of the main program, so it imports nothing itself.
"""

import gc
import sys

_SERVED = "rag_pipeline.definitions"


def main() -> None:
    """Serve until told to stop. Only for a moment at which no daemon and no other code server of this instance can be alive."""
    gc.disable()  # what is imported stays: to look for garbage in it meanwhile is a fifth of the time
    from dagster._cli import main as dagster

    import rag_pipeline.definitions  # noqa: F401
    from rag_pipeline.defs.runs import fail_dead_runs, open_instance
    from rag_pipeline.settings import load_settings

    gc.enable()
    with open_instance(load_settings()) as instance:
        fail_dead_runs(instance)
    sys.argv = ["dagster", "api", "grpc", "--module-name", _SERVED, "--location-name", _SERVED, *sys.argv[1:]]
    dagster()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
