"""Whether the API's document breaks clients that were made for an earlier one."""
