"""The database: engines, the transaction, models, paging, sorting, shared queries."""
