"""The script that an app server runs at its first boot, from `files/user_data.sh`, with the server's files in it.

It is longer than EC2 accepts, so it is compressed; cloud-init unpacks it.
"""

import base64
import gzip

import deflate

from components.shared.host.configuration import HostConfiguration
from components.shared.host.files import HostFile, host_files, render, values_of

LARGEST_BYTES = 16 * 1024
"""EC2 accepts no more, before base64."""
COMPRESSION = 12
"""libdeflate's best."""
END = "END_OF_FILE"


def script(host: HostConfiguration) -> str:
    """Return the script. Raises ValueError if a file cannot be written by it."""
    files = "".join(_written(file) for file in host_files(host))
    return render("user_data.sh", {**values_of(host), "files": files.rstrip("\n")})


def encoded(host: HostConfiguration) -> str:
    """Return the script as a launch template expects it: compressed, in base64.

    The same script has the same bytes on every machine and at every time, or servers would be replaced for nothing.
    Raises ValueError if EC2 would not accept it.
    """
    compressed = bytes(deflate.gzip_compress(script(host).encode(), COMPRESSION))
    if len(compressed) > LARGEST_BYTES:
        raise ValueError(f"user data is {len(compressed)} bytes long, and EC2 accepts at most {LARGEST_BYTES}")
    return base64.b64encode(compressed).decode()


def decoded(user_data: str) -> str:
    """Return the script in the user data of a launch template."""
    return gzip.decompress(base64.b64decode(user_data)).decode()


def _written(file: HostFile) -> str:
    """The lines of bash that write a file as it is."""
    if not file.text.endswith("\n") or END in file.text:
        raise ValueError(f"{file.path} does not end in a line break, or contains {END}")
    return f"  write_file {file.mode} {file.path} <<'{END}'\n{file.text}{END}\n"
