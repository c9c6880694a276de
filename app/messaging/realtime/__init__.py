"""Live updates: streams of events and WebSockets, each with the channels that its owner may hear."""
