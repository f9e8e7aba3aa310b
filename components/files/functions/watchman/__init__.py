"""A function of AWS Lambda: measures each hour how old what must never be old is, and mutes alarms on first Sundays."""
