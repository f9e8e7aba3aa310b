"""CodeBuild as the platform uses it, of which moto has a sketch: projects without a source, and builds of them.

A project keeps all that it was given. A build keeps its variables and runs for a while; a token names it; a project
runs no more of them at once than it allows.
"""

import inspect
import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.codebuild import responses
from moto.codebuild.exceptions import InvalidInputException, ResourceNotFoundException
from moto.codebuild.responses import CodeBuildResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult

from sandbox.session.courses import Course, Courses

USUAL = Course(seconds=0.3, status="SUCCEEDED")


class TooManyBuilds(JsonRESTError):
    """The project runs as many builds as it may."""

    code = 400

    def __init__(self, limit: int) -> None:
        super().__init__(
            "AccountLimitExceededException", f"Cannot have more than {limit} active builds for the project"
        )


class Build:
    """One build of a project."""

    def __init__(self, project: dict[str, Any], request: dict[str, Any], course: Course) -> None:
        self.token: str | None = request.get("idempotencyToken")
        self.id = f"{project['name']}:{uuid.uuid4()}"
        self._project = project
        self._course = course
        self._asked = time.monotonic()
        self._started = datetime.now(UTC)
        self._stopped = False
        variables = {one["name"]: one for one in project["environment"].get("environmentVariables", [])}
        variables |= {one["name"]: one for one in request.get("environmentVariablesOverride", [])}
        self._variables = list(variables.values())

    @property
    def running(self) -> bool:
        return self._status == "IN_PROGRESS"

    @property
    def _status(self) -> str:
        if self._stopped:
            return "STOPPED"
        return "IN_PROGRESS" if time.monotonic() - self._asked < self._course.seconds else self._course.status

    def stop(self) -> None:
        self._stopped = self.running

    def described(self) -> dict[str, Any]:
        """As AWS describes it."""
        group = self._project.get("logsConfig", {}).get("cloudWatchLogs", {}).get("groupName", "")
        return {
            "id": self.id,
            "arn": self._project["arn"].replace(":project/", ":build/").rpartition("/")[0] + f"/{self.id}",
            "projectName": self._project["name"],
            "buildStatus": self._status,
            "buildComplete": not self.running,
            "currentPhase": "BUILD" if self.running else "COMPLETED",
            "startTime": self._started,
            "environment": {**self._project["environment"], "environmentVariables": self._variables},
            "logs": {"groupName": group, "streamName": self.id.partition(":")[2]},
        }


_CREATE = CodeBuildResponse.create_project
_VALIDATE_SOURCE = responses._validate_required_params_source


def _validate(source: dict[str, Any]) -> None:
    if source.get("type") != "NO_SOURCE":
        _VALIDATE_SOURCE(source)
    elif not source.get("buildspec"):
        raise InvalidInputException("Project buildspec is required for a project without a source")


class _Added(CodeBuildResponse):
    """What moto lacks, or does otherwise."""

    courses = Courses(None)

    def create_project(self) -> ActionResult:
        _CREATE(self)
        return ActionResult({"project": _keep(self)})

    def update_project(self) -> ActionResult:
        return ActionResult({"project": _keep(self)})

    def start_build(self) -> ActionResult:
        request = json.loads(self.body)
        project, builds = _project(self, request["projectName"]), _builds(self, request["projectName"])
        token = request.get("idempotencyToken")
        known = next((build for build in builds if build.token and build.token == token), None)
        if known is not None:
            return ActionResult({"build": known.described()})
        limit = project.get("concurrentBuildLimit")
        if limit is not None and sum(build.running for build in builds) >= limit:
            raise TooManyBuilds(limit)
        build = Build(project, request, _Added.courses.next("build", USUAL))
        builds.insert(0, build)
        return ActionResult({"build": build.described()})

    def batch_get_builds(self) -> ActionResult:
        wanted = self._get_param("ids")
        found = [build.described() for build in _all_builds(self) if build.id in wanted]
        return ActionResult({"builds": found})

    def list_builds_for_project(self) -> ActionResult:
        name = self._get_param("projectName")
        _project(self, name)
        found = [build.id for build in _builds(self, name)]
        return ActionResult({"ids": found[::-1] if self._get_param("sortOrder") == "ASCENDING" else found})

    def list_builds(self) -> ActionResult:
        return ActionResult({"ids": [build.id for build in _all_builds(self)]})

    def stop_build(self) -> ActionResult:
        build = next((build for build in _all_builds(self) if build.id == self._get_param("id")), None)
        if build is None:
            raise ResourceNotFoundException(f"Build {self._get_param('id')} does not exist")
        build.stop()
        return ActionResult({"build": build.described()})


def install(courses: Courses) -> None:
    """Teach moto what it lacks."""
    _Added.courses = courses
    setattr(responses, _VALIDATE_SOURCE.__name__, _validate)
    for name, function in vars(_Added).items():
        if inspect.isfunction(function):
            setattr(CodeBuildResponse, name, function)


def _project(response: Any, name: str) -> dict[str, Any]:
    project = response.codebuild_backend.codebuild_projects.get(name)
    if project is None:
        raise ResourceNotFoundException(f"Project cannot be found: {name}")
    metadata: dict[str, Any] = project.project_metadata
    return metadata


def _keep(response: Any) -> dict[str, Any]:
    """Put what the request gives into the project; moto itself keeps a part of it."""
    request = json.loads(response.body)
    metadata = _project(response, request["name"])
    metadata |= request
    return metadata


def _builds(response: Any, project: str) -> list[Build]:
    """The builds of a project, newest first."""
    backend = response.codebuild_backend
    if not hasattr(backend, "sandbox_builds"):
        backend.sandbox_builds = {}
    builds: list[Build] = backend.sandbox_builds.setdefault(project, [])
    return builds


def _all_builds(response: Any) -> list[Build]:
    return [build for name in response.codebuild_backend.codebuild_projects for build in _builds(response, name)]
