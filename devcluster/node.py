"""The node: containerd, kubelet and kube-proxy, and their configuration."""

import json
from collections.abc import Mapping
from pathlib import Path

from devcluster import atomic, kubeconfig, probe
from devcluster.component import Component, Listener
from devcluster.layout import (
    BRIDGE,
    CLUSTER_DOMAIN,
    DNS_SERVICE_ADDRESS,
    HOST_ADDRESS,
    NAME,
    NODE,
    POD_NETWORK,
    Layout,
)

_LOOPBACK = "127.0.0.1"
_CNI_PROGRAMS = "/usr/lib/cni"
PAUSE_IMAGE = "localhost/queueconsumer/pause:dev"


def configure(layout: Layout) -> None:
    """Write the configuration of containerd, the CNI plugins, the kubelet and kube-proxy."""
    kubeconfig.write(layout.config / "node.kubeconfig", pki=layout.pki, identity="node")
    kubeconfig.write(layout.config / "proxy.kubeconfig", pki=layout.pki, identity="proxy")
    atomic.write(layout.config / "containerd.toml", _containerd_settings(layout))
    atomic.write(layout.config / "kubelet.json", _kubelet_settings(layout))
    atomic.write(layout.config / "proxy.json", _proxy_settings(layout))
    atomic.write(layout.root / "cni" / "10-devcluster.conflist", _cni_settings(layout))


def runtime(layout: Layout) -> Component:
    """Containerd, with folders and a socket of its own: a containerd of the system is left alone."""
    return Component(
        name="containerd",
        argv=("containerd", "--config", str(layout.config / "containerd.toml")),
        settings=_containerd_settings(layout),
        ready=lambda: probe.socket_accepts(layout.containerd_socket),
    )


def components(*, layout: Layout, programs: Mapping[str, Path]) -> tuple[Component, ...]:
    """What needs the API server: kubelet and kube-proxy."""
    ports = layout.ports
    kubelet = Component(
        name="kubelet",
        argv=(
            str(programs["kubelet"]),
            f"--config={layout.config / 'kubelet.json'}",
            f"--kubeconfig={layout.config / 'node.kubeconfig'}",
            f"--root-dir={layout.root / 'kubelet'}",
            f"--hostname-override={NODE}",
            f"--node-ip={HOST_ADDRESS}",
        ),
        settings=_kubelet_settings(layout),
        listeners=(
            Listener(address=HOST_ADDRESS, port=ports.kubelet),
            Listener(address=_LOOPBACK, port=ports.kubelet_health),
        ),
        ready=lambda: probe.http_ok(address=_LOOPBACK, port=ports.kubelet_health, path="/healthz"),
    )
    proxy = Component(
        name="kube-proxy",
        argv=(str(programs["kube-proxy"]), f"--config={layout.config / 'proxy.json'}", f"--hostname-override={NODE}"),
        settings=_proxy_settings(layout),
        listeners=tuple(Listener(address=_LOOPBACK, port=port) for port in (ports.proxy_health, ports.proxy_metrics)),
        ready=lambda: probe.http_ok(address=_LOOPBACK, port=ports.proxy_health, path="/healthz"),
    )
    return kubelet, proxy


def _containerd_settings(layout: Layout) -> str:
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc may not lower the score of the sandbox, and every pod
    # fails with "can't get final child's PID from pipe: EOF".
    # Runtime root and network namespaces lie in the state folder so that `down` knows what is ours.
    return f"""\
version = 2
root = "{layout.root}/containerd"
state = "{layout.root}/containerd-state"
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "{layout.containerd_socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{_CNI_PROGRAMS}"
    conf_dir = "{layout.root}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "{layout.root}/runc"
      SystemdCgroup = false
"""


def _cni_settings(layout: Layout) -> str:
    # No ipMasq: one masquerading rule for the whole pod network (network.py) saves two chains and several iptables
    # calls per pod.
    return json.dumps(
        {
            "cniVersion": "0.4.0",
            "name": NAME,
            "plugins": [
                {
                    "type": "bridge",
                    "bridge": BRIDGE,
                    "isGateway": True,
                    "hairpinMode": True,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": str(layout.root / "cni-addresses"),
                        "ranges": [[{"subnet": POD_NETWORK, "gateway": HOST_ADDRESS}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": True}},
            ],
        },
        indent=1,
    )


def _kubelet_settings(layout: Layout) -> str:
    pki = layout.pki
    return json.dumps(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": HOST_ADDRESS,
            "port": layout.ports.kubelet,
            "healthzBindAddress": _LOOPBACK,
            "healthzPort": layout.ports.kubelet_health,
            "tlsCertFile": str(pki / "kubelet-server.crt"),
            "tlsPrivateKeyFile": str(pki / "kubelet-server.key"),
            "authentication": {"x509": {"clientCAFile": str(pki / "ca.crt")}, "anonymous": {"enabled": False}},
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
            "podLogsDir": str(layout.root / "pod-logs"),
            "volumePluginDir": str(layout.root / "volume-plugins"),
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{NAME}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "clusterDNS": [DNS_SERVICE_ADDRESS],
            "clusterDomain": CLUSTER_DOMAIN,
            # Pods search the cluster's domains only; CoreDNS forwards other names to the host's servers.
            "resolvConf": "",
            "maxPods": 200,
            # A developer's disk is often nearly full; images were loaded by hand and cannot be pulled again.
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "1%",
                "nodefs.inodesFree": "1%",
                "imagefs.available": "1%",
            },
            "imageGCHighThresholdPercent": 100,
            # Fifty consumers start at once in the demo: the defaults (50 requests, 50 events a second) are for fleets.
            "serializeImagePulls": False,
            "kubeAPIQPS": 200,
            "kubeAPIBurst": 400,
            "nodeLeaseDurationSeconds": 40,
        },
        indent=1,
    )


def _proxy_settings(layout: Layout) -> str:
    return json.dumps(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "bindAddress": HOST_ADDRESS,
            "healthzBindAddress": f"{_LOOPBACK}:{layout.ports.proxy_health}",
            "metricsBindAddress": f"{_LOOPBACK}:{layout.ports.proxy_metrics}",
            "clientConnection": {"kubeconfig": str(layout.config / "proxy.kubeconfig")},
            "clusterCIDR": POD_NETWORK,
            "mode": "iptables",
            # Node ports answer on the pod network's address only: nothing is offered to the world outside.
            "nodePortAddresses": [POD_NETWORK],
            # The kernel's own limits stay as they are; they are the machine's, not ours.
            "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
            "oomScoreAdj": 0,
            # A new Service is to work at once, not within the second that saves processor time on large clusters.
            "iptables": {"minSyncPeriod": "100ms", "syncPeriod": "30s", "localhostNodePorts": False},
        },
        indent=1,
    )
