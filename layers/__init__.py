"""The platform in five layers, each one function that wires components; no resource and no logic of their own."""

from layers.data import build_data
from layers.edge import build_edge
from layers.foundation import build_foundation
from layers.operations import build_operations
from layers.runtime import build_runtime

__all__ = ["build_data", "build_edge", "build_foundation", "build_operations", "build_runtime"]
