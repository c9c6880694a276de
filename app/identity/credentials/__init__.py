"""What opens or protects an account, and what ends it."""
