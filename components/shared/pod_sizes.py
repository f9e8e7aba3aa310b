"""What the containers of a pod reserve, by which settings know how many pods a node holds."""

POD_MILLICPU = 1000
"""One process of Node uses one processor."""
PROXY_MILLICPU = 100
PROXY_MEMORY_MIB = 64
