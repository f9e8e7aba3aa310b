"""The platform in eight layers, each one function that wires components; no resource and no logic of their own."""

from layers.data import build_data
from layers.edge import build_edge
from layers.foundation import build_foundation
from layers.migration import build_migration
from layers.operations import build_operations
from layers.options import build_options
from layers.release import Layers, build_release
from layers.runtime import build_runtime

__all__ = [
    "Layers",
    "build_data",
    "build_edge",
    "build_foundation",
    "build_migration",
    "build_operations",
    "build_options",
    "build_release",
    "build_runtime",
]
