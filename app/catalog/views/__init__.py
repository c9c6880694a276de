"""How often items are looked at, and how popular that makes them."""
