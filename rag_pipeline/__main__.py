"""``python -m rag_pipeline`` is ``rag``."""

from rag_pipeline.cli.commands import main

if __name__ == "__main__":
    main()
