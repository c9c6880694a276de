"""The feed of events, for whoever asks instead of being called."""
