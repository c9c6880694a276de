"""The embedded servers and the supervisor, really started."""
