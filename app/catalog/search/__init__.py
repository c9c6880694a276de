"""The search for books: by ISBN, title, words and, where little is found, by words spelt alike."""
