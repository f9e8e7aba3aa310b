"""Outside: what looks at the API from the internet."""

from components.load_balancer import PUBLIC_HEALTH_PATH
from components.outside import Outside, OutsideArgs
from layers.foundation import Foundation
from settings import StackSettings


def build_outside(settings: StackSettings, foundation: Foundation) -> Outside:
    return Outside(
        "outside",
        OutsideArgs(
            identity=settings.identity,
            domain=settings.dns.api_domain,
            path=PUBLIC_HEALTH_PATH,
            maintenance=settings.maintenance,
        ),
        foundation.options,
    )
