"""What an empty variable means: `NAME=` in a file of settings says as little as no line at all."""


def unset_if_empty(given: object) -> object:
    """Nothing where the text is empty; for `field_validator(…, mode="before")`."""
    return None if given == "" else given
