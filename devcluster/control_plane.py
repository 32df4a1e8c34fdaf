"""etcd, API server, controller manager and scheduler."""

from collections.abc import Mapping
from pathlib import Path

from devcluster import kubeconfig, probe
from devcluster.component import Component, Listener
from devcluster.layout import CLUSTER_DOMAIN, HOST_ADDRESS, NAME, POD_NETWORK, SERVICE_NETWORK, Layout

_LOOPBACK = "127.0.0.1"


def configure(layout: Layout) -> None:
    """Write the kubeconfigs of the control plane and the administrator's."""
    kubeconfig.write(layout.kubeconfig, pki=layout.pki, identity="admin")
    for identity in ("controller-manager", "scheduler"):
        kubeconfig.write(layout.config / f"{identity}.kubeconfig", pki=layout.pki, identity=identity)


def components(*, layout: Layout, programs: Mapping[str, Path]) -> tuple[Component, ...]:
    """The control plane in the order of its start."""
    return (
        _etcd(layout=layout, program=programs["etcd"]),
        _api_server(layout=layout, program=programs["kube-apiserver"]),
        _controller_manager(layout=layout, program=programs["kube-controller-manager"]),
        _scheduler(layout=layout, program=programs["kube-scheduler"]),
    )


def _etcd(*, layout: Layout, program: Path) -> Component:
    pki, ports = layout.pki, layout.ports
    client, peer = f"https://{_LOOPBACK}:{ports.etcd_client}", f"https://{_LOOPBACK}:{ports.etcd_peer}"
    return Component(
        name="etcd",
        argv=(
            str(program),
            f"--name={NAME}",
            f"--data-dir={layout.root / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster={NAME}={peer}",
            f"--listen-metrics-urls=http://{_LOOPBACK}:{ports.etcd_metrics}",
            f"--cert-file={pki / 'etcd.crt'}",
            f"--key-file={pki / 'etcd.key'}",
            f"--trusted-ca-file={pki / 'etcd-ca.crt'}",
            "--client-cert-auth",
            f"--peer-cert-file={pki / 'etcd.crt'}",
            f"--peer-key-file={pki / 'etcd.key'}",
            f"--peer-trusted-ca-file={pki / 'etcd-ca.crt'}",
            "--peer-client-cert-auth",
            # The data outlives a kill -9 of etcd, not a power failure; `up` begins anew after a reboot anyway.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ),
        listeners=tuple(
            Listener(address=_LOOPBACK, port=port) for port in (ports.etcd_client, ports.etcd_peer, ports.etcd_metrics)
        ),
        ready=lambda: probe.http_ok(address=_LOOPBACK, port=ports.etcd_metrics, path="/health"),
    )


def _api_server(*, layout: Layout, program: Path) -> Component:
    pki, port = layout.pki, layout.ports.api_server
    return Component(
        name="kube-apiserver",
        argv=(
            str(program),
            f"--bind-address={HOST_ADDRESS}",
            f"--advertise-address={HOST_ADDRESS}",
            f"--secure-port={port}",
            f"--tls-cert-file={pki / 'apiserver.crt'}",
            f"--tls-private-key-file={pki / 'apiserver.key'}",
            f"--client-ca-file={pki / 'ca.crt'}",
            f"--etcd-servers=https://{_LOOPBACK}:{layout.ports.etcd_client}",
            f"--etcd-cafile={pki / 'etcd-ca.crt'}",
            f"--etcd-certfile={pki / 'etcd-client.crt'}",
            f"--etcd-keyfile={pki / 'etcd-client.key'}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            f"--service-account-issuer=https://kubernetes.default.svc.{CLUSTER_DOMAIN}",
            f"--service-account-key-file={pki / 'sa.pub'}",
            f"--service-account-signing-key-file={pki / 'sa.key'}",
            f"--kubelet-certificate-authority={pki / 'ca.crt'}",
            f"--kubelet-client-certificate={pki / 'apiserver-kubelet-client.crt'}",
            f"--kubelet-client-key={pki / 'apiserver-kubelet-client.key'}",
            # The node's name is in nobody's DNS: logs and exec go to its address.
            "--kubelet-preferred-address-types=InternalIP",
            "--enable-aggregator-routing=true",
            f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
            f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
        ),
        listeners=(Listener(address=HOST_ADDRESS, port=port),),
        ready=lambda: probe.https_ok(address=HOST_ADDRESS, port=port, path="/readyz", pki=pki),
    )


def _controller_manager(*, layout: Layout, program: Path) -> Component:
    pki, port = layout.pki, layout.ports.controller_manager
    config = layout.config / "controller-manager.kubeconfig"
    return Component(
        name="kube-controller-manager",
        argv=(
            str(program),
            f"--bind-address={_LOOPBACK}",
            f"--secure-port={port}",
            *_same_kubeconfig(config),
            f"--root-ca-file={pki / 'ca.crt'}",
            f"--cluster-signing-cert-file={pki / 'ca.crt'}",
            f"--cluster-signing-key-file={pki / 'ca.key'}",
            f"--service-account-private-key-file={pki / 'sa.key'}",
            "--use-service-account-credentials=true",
            f"--cluster-cidr={POD_NETWORK}",
            # One node, no cloud: the CNI plugin alone gives out addresses.
            "--controllers=*,-node-ipam-controller,-node-route-controller,-cloud-node-lifecycle-controller",
            # It makes this folder, by default in /usr/libexec.
            f"--flex-volume-plugin-dir={layout.root / 'volume-plugins'}",
            # There is one of it: electing a leader would only delay a restart by the lease's 15 s.
            "--leader-elect=false",
        ),
        listeners=(Listener(address=_LOOPBACK, port=port),),
        ready=lambda: probe.https_ok(address=_LOOPBACK, port=port, path="/healthz"),
    )


def _scheduler(*, layout: Layout, program: Path) -> Component:
    port = layout.ports.scheduler
    return Component(
        name="kube-scheduler",
        argv=(
            str(program),
            f"--bind-address={_LOOPBACK}",
            f"--secure-port={port}",
            *_same_kubeconfig(layout.config / "scheduler.kubeconfig"),
            "--leader-elect=false",
        ),
        listeners=(Listener(address=_LOOPBACK, port=port),),
        ready=lambda: probe.https_ok(address=_LOOPBACK, port=port, path="/healthz"),
    )


def _same_kubeconfig(path: Path) -> tuple[str, ...]:
    return (f"--kubeconfig={path}", f"--authentication-kubeconfig={path}", f"--authorization-kubeconfig={path}")
