"""Acting on the cluster: the adapters to the Kubernetes API."""
