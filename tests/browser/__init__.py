"""What only a browser can show: its own cache, CORS as it is enforced."""
