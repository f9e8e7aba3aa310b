"""What the project needs around the program: the Pulumi engine, the locked dependencies, the checks, the benchmark."""
