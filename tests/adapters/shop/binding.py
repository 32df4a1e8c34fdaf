"""The broker's Secret, as pods see it."""

from pathlib import Path

from tests.rabbitmq_vhost import Vhost


def mount(vhost: Vhost, root: Path) -> None:
    """Lay the Secret out as the kubelet mounts it."""
    (root / "rabbitmq").mkdir()
    entries = {
        "type": "rabbitmq",
        "host": vhost.host,
        "port": str(vhost.port),
        "vhost": vhost.vhost,
        "username": vhost.username,
        "password": vhost.password,
    }
    for name, value in entries.items():
        (root / "rabbitmq" / name).write_text(value)
