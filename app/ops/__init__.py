"""What operators look at: health, metrics, version, problem pages."""
