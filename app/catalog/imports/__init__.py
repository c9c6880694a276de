"""Import jobs: upload, state, rows, cancelling and running them."""
