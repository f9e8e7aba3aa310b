"""A real boot of an app server, without AWS: `python -m boot` (`make boot`).

The user data of the launch template that the sandbox has deployed is booted, byte for byte, in a virtual machine: a
real kernel, systemd and cloud-init, with Debian's packages in place of Amazon Linux's. docs/boot.md lists every
difference. `image` builds the machine's disk once; `metadata` and `front` play the instance metadata service and AWS;
`guest` runs the machine; `checks` and `failures` are what is tried on it.
"""
