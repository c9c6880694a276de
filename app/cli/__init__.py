"""The command line: `bookstore …`."""
