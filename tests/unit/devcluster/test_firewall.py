"""Which iptables rules and chains are the cluster's, and which belong to other programs on the machine."""

from devcluster import firewall

KUBERNETES = """\
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-MARK-MASQ - [0:0]
:DOCKER - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j DOCKER
-A POSTROUTING -s 10.244.0.0/24 ! -d 10.244.0.0/24 -m comment --comment queueconsumer-devcluster -j MASQUERADE
-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-MARK-MASQ
COMMIT
"""
OUR_RULE = "-s 10.244.0.0/24 ! -d 10.244.0.0/24 -m comment --comment queueconsumer-devcluster -j MASQUERADE"

# As CNI's plugin portmap 1.1.1 writes it for one container of each of two networks.
SHARED = """\
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:CNI-DN-aaa - [0:0]
:CNI-DN-bbb - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
:CNI-HOSTPORT-SETMARK - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
-A CNI-DN-aaa -s 10.244.0.0/24 -p tcp -m tcp --dport 8080 -j CNI-HOSTPORT-SETMARK
-A CNI-DN-aaa -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.244.0.5:80
-A CNI-DN-bbb -s 10.4.0.0/24 -p tcp -m tcp --dport 8081 -j CNI-HOSTPORT-SETMARK
-A CNI-DN-bbb -p tcp -m tcp --dport 8081 -j DNAT --to-destination 10.4.0.5:80
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"queueconsumer-devcluster\\" id: \\"1\\"" -j CNI-DN-aaa
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"nerdctl\\" id: \\"2\\"" -j CNI-DN-bbb
-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
COMMIT
"""
OUR_JUMP = '-p tcp -m comment --comment "dnat name: \\"queueconsumer-devcluster\\" id: \\"1\\"" -j CNI-DN-aaa'


def without(saved: str, *parts: str) -> str:
    return "\n".join(line for line in saved.splitlines() if not any(part in line for part in parts))


def test_our_kubernetes_goes_with_its_jumps_and_docker_stays() -> None:
    assert firewall.removal(KUBERNETES, kubernetes=True) == [
        "-F KUBE-SERVICES",
        "-F KUBE-MARK-MASQ",
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        f"-D POSTROUTING {OUR_RULE}",
        "-X KUBE-SERVICES",
        "-X KUBE-MARK-MASQ",
    ]


def test_of_another_kubernetes_nothing_is_touched() -> None:
    assert firewall.removal(KUBERNETES, kubernetes=False) == [f"-D POSTROUTING {OUR_RULE}"]
    assert firewall.kubernetes_chains(KUBERNETES) == ["KUBE-MARK-MASQ", "KUBE-SERVICES"]


def test_of_ports_published_by_two_networks_only_ours_go() -> None:
    assert firewall.removal(SHARED, kubernetes=True) == [
        "-F CNI-DN-aaa",
        f"-D CNI-HOSTPORT-DNAT {OUR_JUMP}",
        "-X CNI-DN-aaa",
    ]


def test_chains_that_only_others_use_are_left_alone() -> None:
    assert firewall.removal(without(SHARED, "CNI-DN-aaa"), kubernetes=True) == []


def test_a_chain_of_others_that_marks_packets_keeps_the_shared_chains_though_nothing_jumps_to_it() -> None:
    assert firewall.removal(without(SHARED, "CNI-DN-aaa", "nerdctl"), kubernetes=True) == []


def test_the_shared_chains_go_with_the_last_port() -> None:
    removal = firewall.removal(without(SHARED, "CNI-DN-bbb"), kubernetes=False)

    shared = ["CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-MASQ", "CNI-HOSTPORT-SETMARK"]
    assert removal == [
        "-F CNI-DN-aaa",
        *(f"-F {name}" for name in shared),
        "-D PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        "-D OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        '-D POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ',
        "-X CNI-DN-aaa",
        *(f"-X {name}" for name in shared),
    ]


def test_a_rule_of_others_that_mentions_our_name_is_theirs() -> None:
    saved = """\
-A INPUT -i docker0 -m comment --comment "allow queueconsumer-devcluster" -j ACCEPT
-A INPUT -m comment --comment "dnat name: \\"queueconsumer-devcluster-2\\" id: \\"1\\"" -j CNI-DN-ccc
-A INPUT -m comment --comment "not -j KUBE-SERVICES" -j ACCEPT
"""
    assert not firewall.has_ours(saved)
    assert firewall.removal(f":KUBE-SERVICES - [0:0]\n:CNI-DN-ccc - [0:0]\n{saved}", kubernetes=True) == [
        "-F KUBE-SERVICES",
        "-X KUBE-SERVICES",
    ]


def test_our_name_is_found_in_our_rules_and_in_those_of_our_containers() -> None:
    assert firewall.has_ours(KUBERNETES)
    assert firewall.has_ours(SHARED)
    assert not firewall.has_ours(without(SHARED, "queueconsumer"))


def test_a_table_without_our_rules_is_left_alone() -> None:
    assert firewall.removal("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n", kubernetes=True) == []
