"""What every domain stands on: settings, database, errors, cache, HTTP conventions."""
