"""Settings from the environment, checked when the process starts."""
