"""The decision: pure functions from a policy, an observation and a memory to a number of replicas and its reason."""
