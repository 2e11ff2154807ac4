"""The app: FastAPI with Gradio mounted. A reader of the answer stream and of the catalog; reaches Dagster by link only."""
