"""Following authors, series and sellers, and hearing of what is new by them."""
