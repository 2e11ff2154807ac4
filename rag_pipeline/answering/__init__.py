"""The Q&A layer: reformulate, retrieve, augment, generate, stream. An async library that knows nothing of Dagster."""
