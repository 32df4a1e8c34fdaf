"""A name server that does not answer keeps nobody from the brokers that it is not asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[3]
ENTER = 'ip link set lo up && mount --bind "$0" /etc/resolv.conf && exec "$@"'


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the program in the namespace has to say."""
    servers = tmp_path_factory.mktemp("names") / "resolv.conf"
    servers.write_text("nameserver 127.0.0.1\n")
    namespace = ["unshare", "--map-root-user", "--mount", "--net", "--", "sh", "-c", ENTER, str(servers)]
    done = subprocess.run(
        [*namespace, sys.executable, "-m", "tests.adapters.operator.silent_name_server"],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2"])
@pytest.mark.parametrize("what", ["AMQP", "management", "metrics"])
def test_a_broker_of_another_name_is_connected_to_at_once(told: Any, what: str, host: str) -> None:
    assert told["seconds"][f"{what} at {host}"] < 1.0


def test_a_name_that_nobody_tells_the_address_of_is_told_after_the_time_of_a_request(told: Any) -> None:
    assert "no name server has told the address of silent-0.example within 4 s" in told["totals"]
    assert told["problem"].endswith("no name server has told the address of silent-0.example within 5 s")
