"""What leaves the shop: mails and messages to people, events to browsers and other systems."""
