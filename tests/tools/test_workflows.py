"""GitHub's workflows: what they may do, and what must never happen to a deployment. actionlint checks their syntax."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.continuous_integration import DEPLOY_SESSION_SECONDS
from sandbox.session.processes import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned_and_jobs_have_only_the_rights_that_they_name(file: Path) -> None:
    used = re.findall(r"uses: (\S+)", file.read_text())

    assert workflow(file)["permissions"] == {}
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}|\./\.github/workflows/\S+", each)] == []


def test_every_action_has_one_version() -> None:
    used = {
        match for file in FILES for match in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (\S+)", file.read_text())
    }

    assert [name for name, count in Counter(name for name, _, _ in used).items() if count > 1] == []


def test_a_deployment_applies_the_plan_that_was_reviewed_and_approved() -> None:
    """The deploy role trusts the environment only, which asks its reviewers; the plan is there for them to read."""
    plan, up = (workflow(ROOT / ".github/workflows/deploy-stack.yml")["jobs"][name] for name in ("plan", "up"))
    planning, applying = plan["steps"][-2]["run"], up["steps"][-1]["run"]

    assert ("environment" in plan, plan["permissions"]) == (False, {"contents": "read", "id-token": "write"})
    assert (up["needs"], up["environment"], up["permissions"]) == ("plan", "${{ inputs.stack }}", plan["permissions"])
    assert 'preview --stack "$STACK" --policy-pack policies' in planning
    assert "--save-plan plan.json" in planning
    assert ".venv/bin/python -m review events.json" in planning
    assert (plan["steps"][-1]["with"]["path"], plan["outputs"]) == (
        "plan.json",
        {"digest": "${{ steps.plan.outputs.digest }}"},
    )
    assert applying.splitlines()[0] == 'echo "$DIGEST  plan.json" | sha256sum --check --quiet'
    assert '"$pulumi" up --stack "$STACK" --policy-pack policies --plan plan.json' in applying


def test_a_plan_that_needs_an_approval_fails_its_job(tmp_path: Path) -> None:
    """The step's own script, with stand-ins for the engine and the review; GitHub runs it with bash -e."""
    script = workflow(ROOT / ".github/workflows/deploy-stack.yml")["jobs"]["plan"]["steps"][-2]["run"]
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    environment = {**os.environ, "STACK": "staging", "GITHUB_STEP_SUMMARY": "summary", "GITHUB_OUTPUT": "output"}
    for refused in (0, 1):
        python.write_text(
            '#!/bin/sh\nif [ "$2" = sandbox ]; then echo true; else echo "The review."; exit ' + f"{refused}; fi\n"
        )
        python.chmod(0o755)
        (tmp_path / "plan.json").write_text("{}")
        (tmp_path / "summary").write_text("")
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, (tmp_path / "summary").read_text()) == (refused, "```\nThe review.\n```\n")


@pytest.mark.parametrize("status", [0, 7])
@pytest.mark.parametrize("mutes", [0, 1], ids=["mutes", "cannot mute"])
def test_a_deployment_ends_its_mute_window_however_it_ends(tmp_path: Path, status: int, mutes: int) -> None:
    """The step's own script, with stand-ins for the engine and for the commands; GitHub runs it with bash -e."""
    script = workflow(ROOT / ".github/workflows/deploy-stack.yml")["jobs"]["up"]["steps"][-1]["run"]
    python, engine = tmp_path / ".venv" / "bin" / "python", tmp_path / "engine"
    python.parent.mkdir(parents=True)
    python.write_text(
        f'#!/bin/sh\nif [ "$2" = sandbox ]; then echo {engine}; exit; fi\necho "$2 $3 $5" >>calls\nexit {mutes}\n'
    )
    engine.write_text(f'#!/bin/sh\necho "engine $1" >>calls\nexit {status}\n')
    for each in (python, engine):
        each.chmod(0o755)
    (tmp_path / "plan.json").write_text("{}")
    digest = hashlib.sha256(b"{}").hexdigest()
    environment = {**os.environ, "STACK": "staging", "DIGEST": digest}
    done = subprocess.run(
        ["bash", "-e", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == status
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["incidents quiet staging", "engine up", "incidents loud staging"]


@pytest.mark.parametrize("stack", ["staging", "production"])
def test_deployments_of_a_stack_run_one_at_a_time_and_are_not_cancelled(stack: str) -> None:
    """A cancelled deployment leaves a lock and pending operations."""
    job = workflow(ROOT / ".github/workflows/deploy.yml")["jobs"][stack]

    assert job["concurrency"] == {"group": f"deploy-{stack}", "cancel-in-progress": False}


def test_credentials_last_longer_than_the_step_that_uses_them() -> None:
    """They are asked for as long as the role allows, and the job is allowed more than the step."""
    job = workflow(ROOT / ".github/workflows/deploy-stack.yml")["jobs"]["up"]
    *_, credentials, deployment = job["steps"]

    assert "configure-aws-credentials" in credentials["uses"]
    assert credentials["with"]["role-duration-seconds"] == DEPLOY_SESSION_SECONDS
    assert deployment["timeout-minutes"] * 60 < DEPLOY_SESSION_SECONDS
    assert deployment["timeout-minutes"] < job["timeout-minutes"]


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = workflow(ROOT / ".github/workflows" / name)["jobs"]
    return found


def script(step: dict[str, Any]) -> str:
    return str(step.get("run", ""))


@pytest.mark.parametrize(
    ("stack", "decides", "emergency"),
    [("staging", "staging", {}), ("production", "window", {"emergency": "${{ inputs.emergency }}"})],
)
def test_only_main_is_deployed_and_each_stack_has_its_own_role_and_backend(
    stack: str, decides: str, emergency: dict[str, str]
) -> None:
    found = jobs("deploy.yml")
    name = stack.upper()

    assert "github.ref == 'refs/heads/main'" in found[decides]["if"]
    assert f"vars.AWS_DEPLOY_ROLE_{name} != ''" in found[decides]["if"]
    assert found[stack]["with"] == {
        "stack": stack,
        "preview-role": f"${{{{ vars.AWS_PREVIEW_ROLE_{name} }}}}",
        "deploy-role": f"${{{{ vars.AWS_DEPLOY_ROLE_{name} }}}}",
        "backend": f"${{{{ vars.PULUMI_BACKEND_URL_{name} }}}}",
        "region": f"${{{{ vars.AWS_REGION_{name} || 'us-east-1' }}}}",
        "runner": f"${{{{ vars.RUNNER_{name} || 'ubuntu-24.04' }}}}",
        **emergency,
    }


def test_production_waits_for_staging_and_is_not_deployed_after_its_failure() -> None:
    found = jobs("deploy.yml")

    assert (found["window"]["needs"], found["production"]["needs"]) == ("staging", "window")
    assert "needs.staging.result != 'failure'" in found["window"]["if"]
    assert found["production"]["if"] == "!cancelled() && needs.window.result == 'success'"


ASKS_CALENDAR = r"python -m delivery window --stack \S+ --emergency \"\$EMERGENCY\""


def test_production_is_deployed_in_a_window_before_the_approval_and_after_it() -> None:
    before, after = jobs("deploy.yml")["window"], jobs("deploy-stack.yml")["up"]
    positions = [number for number, step in enumerate(after["steps"]) if re.search(ASKS_CALENDAR, script(step))]
    credentials = [number for number, step in enumerate(after["steps"]) if "credentials" in step.get("uses", "")]

    assert "environment" not in before and before["permissions"] == {"contents": "read"}
    assert re.search(ASKS_CALENDAR, script(before["steps"][-1]))
    assert len(positions) == 1 and positions < credentials


def test_what_runs_the_backends_code_has_no_role_and_no_secret() -> None:
    build = jobs("release.yml")["build"]

    assert build["permissions"] == {"contents": "read"}
    assert "environment" not in build
    assert "secrets." not in yaml.dump(build) and "github.token" not in yaml.dump(build)
    assert all(
        step["with"]["persist-credentials"] is False for step in build["steps"] if "checkout" in step.get("uses", "")
    )


def test_what_has_the_role_of_releases_takes_nothing_from_the_backend_but_the_archive_of_that_digest() -> None:
    upload = jobs("release.yml")["upload"]

    assert (upload["permissions"], upload["environment"]) == ({"id-token": "write"}, "release")
    assert [step["uses"] for step in upload["steps"] if "checkout" in step.get("uses", "")] == []
    assert "secrets." not in yaml.dump(upload)
    assert '--sha256 "$SHA256"' in script(upload["steps"][-1])
    assert upload["steps"][-1]["env"]["SHA256"] == "${{ needs.build.outputs.sha256 }}"


@pytest.mark.parametrize(
    ("name", "job"), [("release.yml", "build"), ("release.yml", "upload"), ("image.yml", "propose")]
)
def test_what_another_job_made_is_taken_by_its_number_and_its_digest(name: str, job: str) -> None:
    """A name can be given to another artifact in the meantime."""
    downloads = [step["with"] for step in jobs(name)[job]["steps"] if "download-artifact" in step.get("uses", "")]

    assert downloads
    for each in downloads:
        assert re.fullmatch(r"\$\{\{ needs\.\w+\.outputs\.artifact }}", each["artifact-ids"])
        assert (each.get("name"), each["digest-mismatch"]) == (None, "error")


def test_what_asks_aws_for_the_image_cannot_write_and_what_writes_has_no_role() -> None:
    found = jobs("image.yml")

    assert found["find"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert found["propose"]["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert "refs/heads/main" in found["find"]["if"]
    assert "--include='Pulumi.*.yaml'" in script(found["propose"]["steps"][-1])


DRIFT = "drift.yml"


@pytest.mark.parametrize(("file", "job"), [("preview.yml", "aws"), (DRIFT, "look")])
def test_each_stack_is_read_with_its_own_role_and_backend(file: str, job: str) -> None:
    found = jobs(file)[job]

    assert found["runs-on"] == "${{ matrix.runner }}"
    assert found["strategy"]["matrix"]["include"] == [
        {
            "stack": stack,
            "role": f"${{{{ vars.AWS_PREVIEW_ROLE_{name} }}}}",
            "backend": f"${{{{ vars.PULUMI_BACKEND_URL_{name} }}}}",
            "region": f"${{{{ vars.AWS_REGION_{name} || 'us-east-1' }}}}",
            "runner": f"${{{{ vars.RUNNER_{name} || 'ubuntu-24.04' }}}}",
        }
        for stack, name in (("production", "PRODUCTION"), ("staging", "STAGING"))
    ]


def test_what_reads_the_account_cannot_write_an_issue_and_what_writes_it_runs_nothing_of_the_repository() -> None:
    found = jobs(DRIFT)
    look, tell = found["look"], found["tell"]

    assert (look["permissions"], tell["permissions"]) == (
        {"contents": "read", "id-token": "write"},
        {"issues": "write"},
    )
    assert look["if"] == "github.ref == 'refs/heads/main'"
    assert (tell["needs"], tell["if"]) == ("look", "!cancelled() && github.ref == 'refs/heads/main'")
    assert [step["uses"].partition("@")[0] for step in tell["steps"] if "uses" in step] == ["actions/download-artifact"]
    assert tell["strategy"]["matrix"] == {"stack": [each["stack"] for each in look["strategy"]["matrix"]["include"]]}


@pytest.mark.parametrize(
    ("refreshed", "reviewed", "status", "drift"),
    [(0, 0, 0, "A change.\n"), (255, 0, 255, None), (0, 2, 2, "A change.\n")],
)
def test_what_cannot_be_compared_is_a_failure_and_not_the_end_of_drift(
    refreshed: int, reviewed: int, status: int, drift: str | None, tmp_path: Path
) -> None:
    put_program(tmp_path / "engine", f"exit {refreshed}")
    command = f'if [ "$2" = sandbox ]; then echo ./engine; else echo "A change."; exit {reviewed}; fi'
    put_program(tmp_path / ".venv/bin/python", command)
    *_, compare, upload = jobs(DRIFT)["look"]["steps"]

    done = run_step(compare, tmp_path, STACK="staging")

    assert done.returncode == status, done.stderr
    assert upload["with"]["path"] == "drift.txt"
    # Uploaded only after a step that succeeded.
    assert "always()" not in upload["if"] and "failure()" not in upload["if"]
    assert ((tmp_path / "drift.txt").read_text() if drift else drift) == drift


@pytest.mark.parametrize(
    ("found", "open_issue", "told"),
    [
        ("A change.\n", "", ["issue create --title Drift of staging --body-file body.md"]),
        ("A change.\n", "7", ["issue edit 7 --body-file body.md"]),
        ("", "7", ["issue close 7 --comment Nothing differs any more."]),
        ("", "", []),
        (None, "7", []),
    ],
)
def test_each_stack_has_one_issue_which_says_what_the_last_night_found(
    found: str | None, open_issue: str, told: list[str], tmp_path: Path
) -> None:
    put_program(tmp_path / "gh", f'if [ "$2" = list ]; then echo "{open_issue}"; else echo "$@" >>told; fi')
    (tmp_path / "told").touch()
    if found is not None:
        (tmp_path / "drift.txt").write_text(found)

    done = run_step(jobs(DRIFT)["tell"]["steps"][-1], tmp_path, TITLE="Drift of staging")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "told").read_text().splitlines() == told
    if found:
        assert (tmp_path / "body.md").read_text().splitlines()[:3] == ["~~~~", "A change.", "~~~~"]


SUPPORT = "support.yml"


def test_support_is_looked_at_on_the_first_of_each_month() -> None:
    # YAML takes `on` for a truth value.
    triggers: Any = workflow(ROOT / ".github/workflows" / SUPPORT)
    [schedule] = triggers[True]["schedule"]

    assert re.fullmatch(r"[0-9]+ [0-9]+ 1 \* \*", schedule["cron"])


def test_what_looks_at_support_cannot_write_and_what_writes_the_issue_runs_nothing_of_the_repository() -> None:
    found = jobs(SUPPORT)
    look, tell = found["look"], found["tell"]

    assert (look["permissions"], tell["permissions"]) == ({"contents": "read"}, {"issues": "write"})
    assert look["if"] == "github.ref == 'refs/heads/main'"
    assert (tell["needs"], tell["if"]) == ("look", "needs.look.outputs.findings != ''")
    assert [step for step in tell["steps"] if "uses" in step] == []
    assert "token" not in yaml.dump(look) and "secrets." not in yaml.dump(found)


def run_step(step: dict[str, Any], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A step's own script in a folder, run with bash -e as GitHub does, and programs of the folder first."""
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", script(step)],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def put_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("doctor", "status", "findings"),
    [
        ('echo "- $5, notice: it ends."', 0, "- production, notice: it ends.\n- staging, notice: it ends.\n"),
        ("true", 0, ""),
        ("exit 1", 1, None),
    ],
)
def test_every_stack_is_asked_and_a_failure_is_no_silence(
    doctor: str, status: int, findings: str | None, tmp_path: Path
) -> None:
    put_program(tmp_path / ".venv/bin/python", f'[ "$1 $2 $3 $4" = "-m doctor support --stack" ] || exit 9\n{doctor}')
    for stack in ("staging", "production"):
        (tmp_path / f"Pulumi.{stack}.yaml").touch()
    (tmp_path / "Pulumi.yaml").touch()

    done = run_step(jobs(SUPPORT)["look"]["steps"][-1], tmp_path, GITHUB_OUTPUT="output")

    assert done.returncode == status, done.stderr
    if findings is not None:
        assert (tmp_path / "output").read_text() == f"findings<<END\n{findings}END\n"


@pytest.mark.parametrize(
    ("open_issue", "told"),
    [
        ("", ["issue create --title Support ends --body - production, notice: it ends."]),
        ("7", ["issue comment 7 --body - production, notice: it ends."]),
    ],
)
def test_there_is_one_issue_which_later_months_comment_on(open_issue: str, told: list[str], tmp_path: Path) -> None:
    put_program(tmp_path / "gh", f'if [ "$2" = list ]; then echo "{open_issue}"; else echo "$@" >>told; fi')
    step = jobs(SUPPORT)["tell"]["steps"][-1]

    done = run_step(step, tmp_path, TITLE=step["env"]["TITLE"], FINDINGS="- production, notice: it ends.")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "told").read_text().splitlines() == told


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
@pytest.mark.parametrize("file", [SUPPORT, DRIFT])
def test_the_open_issue_is_found_by_its_title_among_those_of_the_workflow(file: str) -> None:
    """The expression for jq, as the step has it."""
    step = jobs(file)["tell"]["steps"][-1]
    [expression] = re.findall(r"--jq '(.+)'", script(step))
    title = step["env"]["TITLE"]
    issues = [{"number": 3, "title": f"{title} soon"}, {"number": 7, "title": title}]

    def found(listed: list[dict[str, Any]]) -> str:
        done = subprocess.run(
            ["jq", "--raw-output", expression],
            input=json.dumps(listed),
            env={**os.environ, "TITLE": title},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert "--app github-actions --state open" in script(step)
    assert (found(issues), found(issues[:1]), found([])) == ("7\n", "\n", "\n")
