"""Takes a finished import back, as far as its books are unchanged since."""
