"""Tells people of incidents, and reminds them of those that nobody has acknowledged."""
