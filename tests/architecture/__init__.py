"""The machine checks of the design: every rule is a function, and every rule is shown to fail."""
