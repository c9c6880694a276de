"""Invoices and credit notes: numbered without a gap, made once, printed once."""
