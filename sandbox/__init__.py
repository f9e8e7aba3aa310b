"""AWS on a laptop: runs the project's program with the real Pulumi engine against an emulator of AWS.

The package has two sides. The provider side (`python -m sandbox.provider`) speaks Pulumi's resource-provider protocol
and turns every resource into the API calls that AWS would get, sent to moto. The user side (`python -m sandbox`)
starts and ends the processes and runs the program. It proves the program, the engine, the policies and the parameters
of the API calls; it is not AWS, and it makes no claim about how AWS itself behaves.
"""
