"""Benchmarks, run by `make bench`: the commands, and the time of the policy pack by the size of a stack."""
