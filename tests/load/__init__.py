"""What a shop bears: a load by Locust, and a soak that looks for leaks. See docs/performance.md."""
