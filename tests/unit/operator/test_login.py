"""Who we are at the API server, and what our requests say about it."""

import json
import logging
from pathlib import Path

import aiohttp
import kopf
import pytest

from qc_operator import VERSION
from qc_operator.cluster.client import KubernetesApi
from qc_operator.login import log_in, session_for_kopf, user_agent

log = logging.getLogger(__name__)
AGENT = user_agent("operator-7d4f-abcde_1a2b3c4d")


@pytest.fixture(autouse=True)
def _kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "test", "user": {"token": "secret"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    # The library reads the variable KUBECONFIG once, when it is imported.
    location = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(location, str(tmp_path / "kubeconfig"))


def test_the_user_agent_has_version_and_process() -> None:
    assert f"queueconsumer-operator/{VERSION} (operator-7d4f-abcde_1a2b3c4d)" == AGENT


async def test_our_own_requests_and_those_of_kopf_are_signed_alike() -> None:
    api = KubernetesApi()
    await log_in(api, agent=AGENT)
    of_kopf = session_for_kopf(agent=AGENT, trace=aiohttp.TraceConfig(), logger=log, settings=kopf.OperatorSettings())

    try:
        assert api._session is not None
        assert [(AGENT, "Bearer secret")] * 2 == [
            (session.headers["User-Agent"], session.headers["Authorization"])
            for session in (api._session, of_kopf.aiohttp_session)
        ]
    finally:
        await api.close()
        await of_kopf.aiohttp_session.close()
