"""Books in bulk: files read row by row, applied by set-based SQL, and written out again."""
