"""Reports as files: asked for over HTTP, made by the worker, kept for a week."""
