"""From a cart to an order: what it costs, and one atomic step that makes it."""
