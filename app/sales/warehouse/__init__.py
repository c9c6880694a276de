"""Paper for the shop floor: labels with bar codes, and lists of what to pack."""
