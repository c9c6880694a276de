"""Documents that sellers upload: PDF, text and CSV, checked by structure and served as downloads."""
