"""Who calls: principals from credentials, the top of the domain."""
