"""Redis as installations have it: with users, full, watched by Sentinels, as a Cluster."""
