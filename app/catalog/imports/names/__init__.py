"""Authors, series, categories and works by name, for many books at a time."""
