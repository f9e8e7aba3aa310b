"""Pulumi's resource-provider protocol in front of the emulator: types as tables, checks, differences, state."""
