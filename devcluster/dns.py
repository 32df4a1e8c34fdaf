"""DNS for Services: CoreDNS as a process of the host behind a Service of the usual name and address.

As a process it needs no image and is ready before the first pod. Pods see no difference: the Service's one endpoint is
the host's address on the pod network.
"""

import json
from pathlib import Path

from devcluster import atomic, kubeconfig, probe
from devcluster.component import Component, Listener
from devcluster.layout import CLUSTER_DOMAIN, DNS_SERVICE_ADDRESS, HOST_ADDRESS, NODE, Layout


def configure(layout: Layout) -> None:
    """Write CoreDNS's configuration and kubeconfig."""
    kubeconfig.write(layout.config / "dns.kubeconfig", pki=layout.pki, identity="dns")
    atomic.write(layout.config / "Corefile", _settings(layout))


def component(*, layout: Layout, program: Path) -> Component:
    """CoreDNS; it is ready when it answers for the API server's own Service."""
    port = layout.ports.dns
    return Component(
        name="coredns",
        argv=(str(program), "-conf", str(layout.config / "Corefile")),
        settings=_settings(layout),
        listeners=(
            Listener(address=HOST_ADDRESS, port=port),
            Listener(address="127.0.0.1", port=layout.ports.dns_health),
        ),
        ready=lambda: probe.name_resolves(
            name=f"kubernetes.default.svc.{CLUSTER_DOMAIN}", server=HOST_ADDRESS, port=port
        ),
    )


def service_ready() -> bool:
    """Whether the name resolves by the Service's address, as pods ask: DNS and kube-proxy both work."""
    return probe.name_resolves(name=f"kubernetes.default.svc.{CLUSTER_DOMAIN}", server=DNS_SERVICE_ADDRESS)


def _settings(layout: Layout) -> str:
    # The time to live is short so that a test that recreates a Service is not answered from the past.
    return f"""\
.:{layout.ports.dns} {{
    bind {HOST_ADDRESS}
    errors
    health 127.0.0.1:{layout.ports.dns_health}
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{
        kubeconfig {layout.config / "dns.kubeconfig"}
        ttl 5
        fallthrough in-addr.arpa
    }}
    forward . /etc/resolv.conf
    cache 5
}}
"""


def manifest(layout: Layout) -> str:
    """The Service, its endpoint and the right to read what DNS answers about."""
    name = {"name": "kube-dns", "namespace": "kube-system"}
    ports = [{"name": protocol.lower(), "protocol": protocol} for protocol in ("UDP", "TCP")]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "devcluster-dns"}
    reads = ["list", "watch"]
    items = [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": name,
            "spec": {"clusterIP": DNS_SERVICE_ADDRESS, "ports": [{**port, "port": 53} for port in ports]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**name, "labels": {"kubernetes.io/service-name": "kube-dns"}},
            "addressType": "IPv4",
            "ports": [{**port, "port": layout.ports.dns} for port in ports],
            "endpoints": [{"addresses": [HOST_ADDRESS], "conditions": {"ready": True}, "nodeName": NODE}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "devcluster-dns"},
            "rules": [
                {"apiGroups": [""], "resources": ["services", "namespaces", "pods"], "verbs": reads},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": reads},
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "devcluster-dns"},
            "roleRef": role,
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "devcluster-dns"}],
        },
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
