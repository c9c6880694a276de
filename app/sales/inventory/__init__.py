"""Stock: receipts, adjustments, the ledger and its proof."""
