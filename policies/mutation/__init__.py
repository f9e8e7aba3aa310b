"""Proof of the policy pack by mutation: a deployed stack is weakened in every way that matters, one way at a time.

A mutant that no policy notices is a hole in the pack, or is listed with the reason why it does no harm.
"""
