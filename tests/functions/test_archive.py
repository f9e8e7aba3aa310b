"""The archive that AWS Lambda gets."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from components import credentials, database_jobs
from components.credentials import LIBRARIES
from components.database import MASTER_USERNAME
from components.files.functions.credentials import database
from components.files.functions.credentials.handler import credentials_of
from components.secrets import ROTATED_SECRETS
from components.shared.function_archive import FILES, function_files
from tests.recorder import Recording

IMPORTED = """
import json, sys
sys.path.insert(0, sys.argv[1])
import credentials.handler
found = {name.partition(".")[0] for name, module in sys.modules.items()
         if (getattr(module, "__file__", None) or "").startswith(sys.argv[1])}
print(json.dumps(sorted(found)))
"""


def test_function_runs_with_what_is_in_the_archive(tmp_path: Path) -> None:
    """boto3 and what it brings is the runtime's own."""
    for name, source in function_files("credentials", LIBRARIES).items():
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    done = subprocess.run(
        [sys.executable, "-I", "-c", IMPORTED, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )

    assert json.loads(done.stdout) == ["asn1crypto", "credentials", "dateutil", "pg8000", "scramp", "six"]


def test_archive_is_python_and_licences_alone() -> None:
    names = list(function_files("credentials", LIBRARIES))

    assert [name for name in names if not name.endswith(".py") and "LICENSE" not in name] == []
    assert {name.partition("/")[0] for name in names if name.endswith(".py")} == {
        "asn1crypto",
        "credentials",
        "dateutil",
        "pg8000",
        "scramp",
        "six.py",
    }
    assert {name.partition("-")[0] for name in names if "LICENSE" in name} == {
        "asn1crypto",
        "pg8000",
        "python_dateutil",
        "scramp",
        "six",
    }


def test_function_is_started_by_what_is_there(stack: Recording) -> None:
    module, _, function = stack.named("credentials-function").plain["handler"].rpartition(".")

    assert f"def {function}(" in (FILES / f"{module.replace('.', '/')}.py").read_text()


def test_function_is_told_what_it_reads(stack: Recording) -> None:
    told: dict[str, str] = stack.named("credentials-function").plain["environment"]["variables"]
    read = {"CREDENTIAL_ARNS"}

    class Told(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            read.add(name)
            return super().__getitem__(name)

    assert set(credentials_of(Told(told))) == set(json.loads(told["CREDENTIAL_ARNS"])) == set(ROTATED_SECRETS)
    assert read == set(told)


def test_program_and_function_mean_the_same_roles() -> None:
    """The program allows their logins; it does not import the function, which would bring its libraries along."""
    assert MASTER_USERNAME == database.ADMINISTRATOR
    assert (database.ADMINISTRATOR, database.ROTATOR) == credentials.DATABASE_USERS
    assert {*database_jobs.DATABASE_USERS.values(), database.ROTATOR} == set(database.BY_TOKEN)
