"""Authors and the other contributors."""
