"""What must exist in an account before `pulumi` can keep a stack's state there: a bucket and a key."""
