"""A Kubernetes control plane on loopback: etcd, API server, controllers, scheduler and metrics-server, all real.

`server` is the process that starts and ends them; kwok plays the nodes. `relay` stands between the engine and the real
Kubernetes provider.
"""
