"""Commands about incidents: acknowledge one, try the way of a message in the sandbox, mute while a deployment runs."""
