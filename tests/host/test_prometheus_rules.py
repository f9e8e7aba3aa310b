"""The Prometheus rules: promtool evaluates them as they are, and a real Prometheus scrapes PM2's workers.

What promtool shows is exact, on generated series. The running Prometheus has the rules with seconds in place of
minutes: it shows that the expressions ask for what prom-client exports by two workers, not how long the real ones wait.
"""

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.host.configuration import HOST, file_of
from tests.host.pm2 import Service, service
from tests.host.programs import NODE, free_ports, placed, program, running, send, wait_until
from tests.recorder import Recording

pytestmark = pytest.mark.host

GUIDES = """
groups:
- name: fixrx-alerts
  rules:
  - alert: HighErrorRate
    expr: rate(http_requests_total{status=~"5.."}[5m]) > 0.1
    for: 5m
  - alert: DatabaseConnectionHigh
    expr: active_connections > 80
    for: 2m
  - alert: ResponseTimeHigh
    expr: histogram_quantile(0.95, http_request_duration_seconds) > 1
    for: 5m
"""
"""As the guide has them, without labels."""

Series = Mapping[str, str]
"""Values by series, in promtool's notation: `0+6x20` begins with 0 and adds 6 each minute, 20 times."""


def rules(recording: Recording) -> str:
    return str(recording.stack_outputs["prometheus_rules"])


def promtool(directory: Path, text: str, *tests: Mapping[str, Any]) -> str:
    """Return what is wrong; nothing if the rules fit the tests."""
    (directory / "rules.yaml").write_text(text)
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": list(tests)}
    (directory / "tests.yaml").write_text(yaml.safe_dump(document))
    command = [program("promtool"), "test", "rules", "tests.yaml"]
    finished = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=200)
    return "" if finished.returncode == 0 else finished.stdout + finished.stderr


def expectation(series: Series, alert: str, firing: Mapping[int, bool], recording: Recording | None) -> dict[str, Any]:
    """Whether an alert fires at each minute."""
    wanted: list[dict[str, Any]] = []
    if recording:
        (rule,) = [each for each in yaml.safe_load(rules(recording))["groups"][0]["rules"] if each["alert"] == alert]
        wanted = [{"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}]
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": wanted if fires else []}
            for minute, fires in firing.items()
        ],
    }


def errors(of_one: str, of_other: str) -> Series:
    """Failed requests of two workers, beside others that succeed."""
    name = "http_request_duration_seconds_count"
    return {
        f'{name}{{instance="a",status_code="500",route="/x"}}': of_one,
        f'{name}{{instance="b",status_code="503",route="/y"}}': of_other,
        f'{name}{{instance="a",status_code="200",route="/x"}}': "0+600x40",
    }


def durations(slow: int) -> Series:
    """1000 requests a minute, of which so many take longer than a second."""
    name = "http_request_duration_seconds_bucket"
    return {
        f'{name}{{instance="{instance}",le="{bound}"}}': f"0+{count}x40"
        for instance in "ab"
        for bound, count in (("0.5", 500 - slow // 2), ("1", 500 - slow // 2), ("2.5", 500), ("+Inf", 500))
    }


def connections(of_one: int, of_other: int) -> Series:
    return {
        'active_connections{instance="a"}': f"0x4 {of_one}x35",
        'active_connections{instance="b"}': f"0x4 {of_other}x35",
    }


BREACHES = {
    # 3 and 4 a minute: 0.1167 a second, which is above the threshold when the window is full, at minute 5.
    "HighErrorRate": (errors("0+3x40", "0+4x40"), 10),
    # 41 and 40 from minute 5 on.
    "DatabaseConnectionHigh": (connections(41, 40), 7),
    # 52 of 1000 are slower than a second: 5.2 %.
    "ResponseTimeHigh": (durations(52), 6),
}
"""Just beyond the threshold, to the minute at which the alert fires first: `for` after the first breach. A quantile is
there with the second sample."""
WITHIN = {
    "HighErrorRate": errors("0+3x40", "0+3x40"),
    "DatabaseConnectionHigh": connections(40, 40),
    "ResponseTimeHigh": durations(50),
}
"""Just within it."""


def test_rules_are_valid_and_the_guides_three(production: Recording, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(rules(production))
    command = [program("promtool"), "check", "rules", "--lint-fatal", "rules.yaml"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "3 rules found" in finished.stdout

    found = yaml.safe_load(rules(production))["groups"][0]["rules"]
    assert [(each["alert"], each["expr"].rpartition(" > ")[2], each["for"], each["labels"]) for each in found] == [
        ("HighErrorRate", "0.1", "5m", {"severity": "critical"}),
        ("ResponseTimeHigh", "1", "5m", {"severity": "warning"}),
        ("DatabaseConnectionHigh", "80", "2m", {"severity": "warning"}),
    ]


@pytest.mark.parametrize("alert", BREACHES)
def test_rule_fires_after_exactly_the_stated_time(production: Recording, tmp_path: Path, alert: str) -> None:
    series, first = BREACHES[alert]
    fires = {minute: minute >= first for minute in range(30)}

    assert promtool(tmp_path, rules(production), expectation(series, alert, fires, production)) == ""


@pytest.mark.parametrize("alert", WITHIN)
def test_rule_never_fires_just_within_the_threshold(production: Recording, tmp_path: Path, alert: str) -> None:
    quiet = expectation(WITHIN[alert], alert, dict.fromkeys(range(40), False), production)

    assert promtool(tmp_path, rules(production), quiet) == ""


@pytest.mark.parametrize("alert", BREACHES)
def test_rule_of_the_guide_never_fires(tmp_path: Path, alert: str) -> None:
    """On what prom-client exports, far beyond the threshold: 1000 errors a minute, 160 connections, all requests slow.

    The connections of one worker are below 80 as long as all together are not above 160.
    """
    far = {
        "HighErrorRate": errors("0+500x40", "0+500x40"),
        "DatabaseConnectionHigh": connections(80, 80),
        "ResponseTimeHigh": durations(1000),
    }
    quiet = expectation(far[alert], alert, dict.fromkeys(range(40), False), None)

    assert promtool(tmp_path, GUIDES, quiet) == ""
    assert promtool(
        tmp_path, GUIDES, {**quiet, "alert_rule_test": [{**quiet["alert_rule_test"][0], "exp_alerts": [{}]}]}
    )


def alerts(port: int) -> dict[str, str]:
    """State by the name of the alert."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/alerts", timeout=10) as response:
        found = json.load(response)["data"]["alerts"]
    return {each["labels"]["alertname"]: each["state"] for each in found}


def scraped(port: int) -> list[str]:
    """Addresses of the workers that answered the last scrape."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets", timeout=10) as response:
        targets = json.load(response)["data"]["activeTargets"]
    return sorted(each["labels"]["instance"] for each in targets if each["health"] == "up")


def prometheus_configuration(directory: Path, recording: Recording, ports: Sequence[int]) -> Path:
    """The server's own scrape configuration and the stack's rules, with seconds in place of minutes."""
    targets = ", ".join(f'"127.0.0.1:{port}"' for port in HOST.worker_ports)
    others = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    faster = {"scrape_interval: 60s": "scrape_interval: 1s\n  evaluation_interval: 1s", "timeout: 10s": "timeout: 1s"}
    text = placed(file_of("/etc/fixrx/prometheus.yaml").text, {targets: others, **faster})
    (directory / "prometheus.yaml").write_text(f"{text}rule_files: [rules.yaml]\n")
    shorter = re.sub(r"for: \d+m", "for: 3s", rules(recording).replace("[5m]", "[10s]"))
    (directory / "rules.yaml").write_text(shorter)
    return directory / "prometheus.yaml"


def test_prometheus_fires_on_what_two_workers_of_pm2_export(production: Recording, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    started = tmp_path / "prometheus"
    started.mkdir()
    with service(tmp_path, {"instances: 'max'": "instances: 2"}, server=NODE / "measured.js") as workers:
        ports = workers.ports[:2]
        configuration = prometheus_configuration(started, production, ports)
        command = [
            program("prometheus"),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={started}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with running(command, environment={}, directory=started):
            wait_until(lambda: answered(port) == [f"127.0.0.1:{each}" for each in ports], f"scrapes; {started}/output")
            assert asked(workers, ports, "/answer/200", port, seconds=6) == {}
            # 41 and 40 connections: no worker alone has more than 80.
            asked(workers, ports, "/answer/500?ms=1200&connections=41", port, until=3)
            assert set(alerts(port).values()) == {"firing"}


def answered(port: int) -> list[str]:
    try:
        return scraped(port)
    except OSError:
        return []


def asked(workers: Service, ports: Sequence[int], path: str, port: int, *, seconds: float = 60, until: int = 0) -> Any:
    """Ask both workers again and again, until so many alerts fire or the time is over; return the alerts."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for each in ports:
            send(each, path)
        states = alerts(port)
        if until and list(states.values()).count("firing") == until:
            return states
        time.sleep(0.1)
    assert not until, f"not within {seconds} s: {alerts(port)}; {workers.directory}/output"
    return alerts(port)
