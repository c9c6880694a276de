"""What staff are told of the shop, once a day."""
