"""Paths that load balancer and nginx treat alike, and what reaches the API: one table for both."""

from collections.abc import Mapping

OPERATIONAL = ("/api/v1/system/metrics", "/api/v1/system/database/status")

REACHES: Mapping[str, str | None] = {
    "/": "/",
    "/health": "/api/v1/system/health",
    "/health/": "/health/",
    "/Health": "/Health",
    "/healthy": "/healthy",
    "/api/v1/system/health": "/api/v1/system/health",
    "/api/v1/system/ready": "/api/v1/system/ready",
    "/api/v1/jobs": "/api/v1/jobs",
    "/api/v1/system/metricsx": "/api/v1/system/metricsx",
    "/api/v1/system/database": "/api/v1/system/database",
    "/api/v1/system/database/statuses": "/api/v1/system/database/statuses",
    "/api/v2/system/metrics": "/api/v2/system/metrics",
    "/x/api/v1/system/metrics": "/x/api/v1/system/metrics",
    **dict.fromkeys(
        spelling
        for path in OPERATIONAL
        for spelling in (path, f"{path}/", f"{path}/x", path.upper(), f"{path.title()}/", path.replace("s", "S"))
    ),
}
"""Path of a request to the path that the API gets; None where it gets none and the answer is 404."""
