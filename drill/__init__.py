"""Jobs on the database, on this machine: the scripts that CodeBuild runs, against a real PostgreSQL and an emulated S3.

`python -m drill` (`make drill`) makes a database, dumps it, restores the dump and compares.
"""
