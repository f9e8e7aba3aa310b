"""Proof of the policy pack by mutation: a deployed stack is weakened in every way that matters, one way at a time.

A mutant that no rule reports shows that a rule is missing, or is listed with the reason why it needs none.
"""
