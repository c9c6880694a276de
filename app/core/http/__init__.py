"""What every answer and every request of the HTTP interface shares."""
