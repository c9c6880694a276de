"""Reading, exporting and verifying the audit log."""
