"""Issues of the newsletter: written by staff, sent to each subscriber once."""
