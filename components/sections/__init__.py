"""The sections of a stack's configuration, one file for each component, without the SDKs that declare resources.

A check of the settings alone reads these files only: importing the SDK of AWS takes seconds.
"""
