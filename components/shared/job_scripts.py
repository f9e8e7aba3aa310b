"""The scripts of the jobs on the database, each made of a few files: what all of them begin with comes first."""

from pathlib import Path

FILES = Path(__file__).parents[1] / "files" / "jobs"
PARTS = {
    "dump": ("common", "connect", "describe", "dump"),
    "drill": ("common", "connect", "describe", "drill"),
    "maintenance": ("common", "connect", "maintenance"),
    "migrate": ("common", "connect", "migrate"),
}
"""Job to the names of its files."""


def script_of(job: str) -> str:
    """Return the script of bash that a job runs."""
    return "\n".join([f"readonly JOB={job}", *((FILES / f"{part}.sh").read_text() for part in PARTS[job])])
