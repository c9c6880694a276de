"""What staff do beside the catalogue: accounts, figures, the audit log."""
