"""The hot-read cache: this worker's tier, Redis behind it, and the bus between workers."""
