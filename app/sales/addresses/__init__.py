"""Where orders go: people's address books, and what makes an address one."""
