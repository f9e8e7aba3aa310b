"""GitHub's workflows: what they may do, and what must never happen to a deployment. actionlint checks their syntax."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

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


def test_a_deployment_runs_in_its_environment_one_at_a_time_and_is_not_cancelled() -> None:
    """The role trusts the environment only; a cancelled deployment leaves a lock and pending operations."""
    job = workflow(ROOT / ".github/workflows/deploy-stack.yml")["jobs"]["up"]

    assert (job["environment"], job["concurrency"], job["permissions"]) == (
        "${{ inputs.stack }}",
        {"group": "deploy-${{ inputs.stack }}", "cancel-in-progress": False},
        {"contents": "read", "id-token": "write"},
    )
    assert '"$pulumi" up --stack "$STACK" --policy-pack policies' in job["steps"][-1]["run"]


def test_credentials_last_longer_than_the_step_that_uses_them() -> None:
    """An hour is the longest session of the role, see components/continuous_integration.py."""
    steps = workflow(ROOT / ".github/workflows/deploy-stack.yml")["jobs"]["up"]["steps"]

    assert "configure-aws-credentials" in steps[-2]["uses"]
    assert steps[-1]["timeout-minutes"] < 60


@pytest.mark.parametrize("stack", ["staging", "production"])
def test_only_main_is_deployed_and_each_stack_has_its_own_role_and_backend(stack: str) -> None:
    job = workflow(ROOT / ".github/workflows/deploy.yml")["jobs"][stack]
    name = stack.upper()

    assert "github.ref == 'refs/heads/main'" in job["if"]
    assert job["with"] == {
        "stack": stack,
        "role": f"${{{{ vars.AWS_DEPLOY_ROLE_{name} }}}}",
        "backend": f"${{{{ vars.PULUMI_BACKEND_URL_{name} }}}}",
        "region": f"${{{{ vars.AWS_REGION_{name} || 'us-east-1' }}}}",
    }


def test_production_waits_for_staging_and_is_not_deployed_after_its_failure() -> None:
    job = workflow(ROOT / ".github/workflows/deploy.yml")["jobs"]["production"]

    assert job["needs"] == "staging"
    assert "needs.staging.result != 'failure'" in job["if"]


def test_pull_requests_preview_each_stack_with_its_own_role_and_backend() -> None:
    matrix = workflow(ROOT / ".github/workflows/preview.yml")["jobs"]["aws"]["strategy"]["matrix"]["include"]

    assert matrix == [
        {
            "stack": stack,
            "role": f"${{{{ vars.AWS_PREVIEW_ROLE_{name} }}}}",
            "backend": f"${{{{ vars.PULUMI_BACKEND_URL_{name} }}}}",
            "region": f"${{{{ vars.AWS_REGION_{name} || 'us-east-1' }}}}",
        }
        for stack, name in (("production", "PRODUCTION"), ("staging", "STAGING"))
    ]
