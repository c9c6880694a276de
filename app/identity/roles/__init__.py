"""Who administers: the shop is never left without an active administrator."""
