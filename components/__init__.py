"""The components of the FixRx platform: one file for each box of the architecture picture."""
