"""What leaves the shop towards people: mails today."""
