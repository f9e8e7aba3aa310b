"""What must be there before a stack can be deployed into a real account: looked at, not changed."""
