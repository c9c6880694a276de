"""What scanners read off goods, and which item it is."""
