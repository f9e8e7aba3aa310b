"""The machine's disk: a Debian that passes for a fresh Amazon Linux 2023, built once and kept in the user's cache.

The build takes packages from the Debian mirror and from npm, nothing else. It needs no Docker, and no root where user
namespaces are allowed.
"""

import gzip
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import botocore

from boot import cache, certificates
from sandbox import Progress, UserError, console

SUITE = "bookworm"
"""Debian 12: systemd 252, cloud-init 22 and nginx 1.22 are what Amazon Linux 2023 has, or a little older."""
DEFAULT_MIRROR = "http://deb.debian.org/debian"
FILES = Path(__file__).parent / "image"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "npm": "npm",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
}
"""Programs that a boot needs on this machine, and the Debian package of each."""
_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))


@dataclass(frozen=True, kw_only=True)
class Image:
    """A built disk with its kernel, and the certificates that the machine on it trusts."""

    directory: Path

    @property
    def disk(self) -> Path:
        """Raw; never written to by a boot."""
        return self.directory / "disk.img"

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def authority(self) -> Path:
        """Certificate of the authority, in PEM."""
        return self.directory / "ca.crt"

    @property
    def front_certificate(self) -> Path:
        """Certificate and private key of boot/front.py, in PEM."""
        return self.directory / "front.pem"


def find(node_version: str, region: str) -> Image:
    """The image for a major version of Node and a region of AWS, built if need be. Raises UserError if it cannot be."""
    require_tools()
    entry = cache.directory() / f"image-{_key(node_version, region)}"
    with cache.alone(entry):
        if not entry.exists():
            _build(entry, node_version, region)
        cache.used(entry)
    return Image(directory=entry)


def require_tools() -> None:
    """Raises UserError if a program is missing, or the machine is of another kind."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise UserError(
            f"A server can be booted on Linux with an x86_64 processor only, and this is {platform.system()} on "
            f"{platform.machine()}: use such a machine. Everything else runs here."
        )
    missing = [package for program, package in TOOLS.items() if shutil.which(program, path=_path()) is None]
    if missing:
        raise UserError(
            f"A boot needs programs that are not installed: run `sh tools/debian.sh`, or install {', '.join(missing)}."
        )


def _path() -> str:
    """mkfs is where only root looks."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def _key(node_version: str, region: str) -> str:
    return cache.key_of(
        [
            *cache.files_below(FILES),
            ("build", Path(__file__).read_bytes()),
            ("certificates", Path(certificates.__file__).read_bytes()),
            ("models", botocore.__version__.encode()),
            ("suite", SUITE.encode()),
            ("node", node_version.encode()),
            ("region", region.encode()),
        ]
    )


def mirror(sources: Sequence[Path] = _SOURCES) -> str:
    """Where this machine gets its Debian packages, or Debian's own address on another distribution."""
    files = [file for source in sources for file in ([source] if source.is_file() else sorted(source.glob("*")))]
    for file in files:
        if file.suffix not in (".list", ".sources"):
            continue
        for line in file.read_text().splitlines():
            if found := re.match(r"(?:deb (?:\[[^]]*\] )?|URIs: *)(https?://\S*/debian/?)(?:\s|$)", line):
                return found[1]
    return DEFAULT_MIRROR


def _build(entry: Path, node_version: str, region: str) -> None:
    # mmdebstrap works as another user where it is not root: it can read and write here, and nobody can guess the name.
    with tempfile.TemporaryDirectory(prefix="fixrx-boot-", dir="/var/tmp") as scratch:
        work = Path(scratch)
        work.chmod(0o711)
        inputs, output = work / "inputs", work / "output"
        inputs.mkdir(mode=0o755)
        output.mkdir()
        output.chmod(0o777)
        with Progress(console, f"Building the machine's disk, once for all clones (Debian {SUITE})") as progress:
            made = certificates.make(region)
            _gather(inputs, made, node_version, progress)
            _run_mmdebstrap(inputs, output, progress)
        finished = entry.with_name(f"{entry.name}.new")
        shutil.rmtree(finished, ignore_errors=True)
        finished.mkdir(parents=True, mode=0o700)
        for name in ("disk.img", "vmlinuz"):
            subprocess.run(["cp", "--sparse=always", output / name, finished / name], check=True)
        (finished / "ca.crt").write_bytes(made.authority)
        (finished / "front.pem").write_bytes(made.front)
        (finished / "front.pem").chmod(0o600)
        finished.replace(entry)


def _gather(inputs: Path, made: certificates.Certificates, node_version: str, progress: Progress) -> None:
    """Puts together what image/customize.sh copies into the tree."""
    for path in FILES.iterdir():
        shutil.copy(path, inputs)
    (inputs / "ca.crt").write_bytes(made.authority)
    progress.update(f"Node {node_version}")
    shutil.copy(node(node_version), inputs / f"node-{node_version}")
    service = "secretsmanager"
    [model] = (Path(botocore.__file__).parent / "data" / service).glob("*/service-2.json.gz")
    target = inputs / "models" / service / model.parent.name
    target.mkdir(parents=True)
    (target / "service-2.json").write_bytes(gzip.decompress(model.read_bytes()))
    for path in (inputs, *inputs.rglob("*")):
        path.chmod(0o755)


def node(version: str) -> Path:
    """The executable of a major version of Node, from npm. Raises UserError if npm cannot get it."""
    home = cache.directory() / f"node-{version}"
    executable = home / "node_modules" / "node" / "bin" / "node"
    with cache.alone(home):
        if not executable.exists():
            command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix", str(home)]
            _run([*command, f"node@{version}"], "Node could not be installed from npm")
    return executable


def _run_mmdebstrap(inputs: Path, output: Path, progress: Progress) -> None:
    if not KEYRING.exists():
        raise UserError(f"{KEYRING} is missing: run `sh tools/debian.sh`, or install debian-archive-keyring.")
    packages = ",".join((FILES / "packages").read_text().split())
    excluded = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*", "/usr/share/info/*")
    command = [
        "mmdebstrap",
        *("--variant=minbase", "--format=null", "--skip=output/dev", f"--keyring={KEYRING}"),
        *('--aptopt=Acquire::Languages "none"', '--aptopt=APT::Install-Recommends "false"'),
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in excluded),
        f"--include={packages}",
        f'--customize-hook=sh "{inputs}/customize.sh" "$1" "{inputs}" "{output}"',
        *(SUITE, "-", mirror()),
    ]
    _run(command, "The machine's disk could not be built", progress)


def _run(command: Sequence[str], failure: str, progress: Progress | None = None) -> None:
    """Runs a command of the build. Raises UserError with its last words if it fails."""
    said: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PATH": _path(), "TMPDIR": "/var/tmp"},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.strip())
            if progress is not None and said[-1]:
                progress.update(said[-1][:60])
    if process.returncode:
        words = " ".join([line for line in said if line][-4:]) or "it left no message"
        raise UserError(f"{failure}: {words}. Are the package registries reachable?")
