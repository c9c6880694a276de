"""Bills: invoices that are sent to the shop. Whoever sent one is called back when it is paid."""
