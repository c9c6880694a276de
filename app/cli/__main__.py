"""`python -m app.cli …`, for where the console script is not installed."""

import gc
from importlib import import_module

if __name__ == "__main__":
    # Start-up makes much and drops little: to look for garbage meanwhile is a quarter of its time.
    gc.disable()
    import_module("app.cli.main").main()
