"""From what was merged to what stands for it now."""
