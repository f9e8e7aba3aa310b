"""The lock of a backup vault: how long nobody can delete a backup, and how long one may be kept."""

LOCK_MIN_DAYS = 7
"""The guide's shortest retention: nobody can delete a backup before."""
LOCK_MAX_DAYS = 400
"""A year and a month: a mistake cannot order a backup, and its cost, for ten years."""
