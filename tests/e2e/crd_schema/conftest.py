"""The CustomResourceDefinition of this checkout, on the cluster of KUBECONFIG."""

import json
import os
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from tests.e2e.crd_schema.admission import Admission
from tests.e2e.crd_schema.manifests import GROUP, VERSION

CRD_FILE = Path(__file__).parents[3] / "crds" / "queueconsumers.queueconsumer.dev.yaml"
IN_FORCE_WITHIN_SECONDS = 30.0


@pytest.fixture(scope="session")
def cluster() -> Iterator[client.ApiClient]:
    """A client of the cluster that KUBECONFIG names."""
    kubeconfig = os.environ.get("KUBECONFIG")
    if not kubeconfig:
        pytest.fail(
            "KUBECONFIG is not set: these tests need a cluster. `python -m devcluster up` starts one, and "
            "`export KUBECONFIG=$(python -m devcluster kubeconfig)` names it."
        )
    with config.new_client_from_config(config_file=kubeconfig) as api_client:
        yield api_client


@pytest.fixture(scope="package")
def admission(cluster: client.ApiClient) -> Iterator[Admission]:
    """The API server, with the CRD of this checkout.

    Where there is none it is created, and deleted after the tests of this folder: `helm install` refuses to take over
    a CRD that it did not create. One that is there, of the chart for instance, stays as it is: it belongs to others.
    """
    definitions = client.ApiextensionsV1Api(cluster)
    definition = yaml.safe_load(CRD_FILE.read_text())
    name = definition["metadata"]["name"]
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    try:
        definitions.create_custom_resource_definition(definition)
        created = True
    except client.ApiException as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        created = False
    try:
        _wait_until(
            lambda: _published(cluster) == schema,
            what=f"the schema of {CRD_FILE.name} to be in force; is that of another version installed? "
            "`helm upgrade` brings it up to date",
        )
        yield Admission(client.CustomObjectsApi(cluster))
    finally:
        if created:
            definitions.delete_custom_resource_definition(name)
            _wait_until(lambda: _is_gone(definitions, name), what=f"{name} to be deleted")


def _published(cluster: client.ApiClient) -> object:
    """Return the schema of the spec as the API server publishes it: once it does, the rules are in force."""
    parameters = cluster.param_serialize(
        "GET",
        f"/openapi/v3/apis/{GROUP}/{VERSION}",
        header_params={"Accept": "application/json"},
        auth_settings=["BearerToken"],
    )
    answer = cluster.call_api(*parameters)
    published = answer.read()
    if answer.status != HTTPStatus.OK or not published:  # a fresh group is empty for a moment
        return None
    document = json.loads(published)
    kinds = document["components"]["schemas"]
    return _as_written(next(kinds[kind] for kind in kinds if kind.endswith(".QueueConsumer"))["properties"]["spec"])


def _as_written(schema: Any) -> Any:
    """Take away what the API server adds when it publishes a schema: the two types of an int-or-string."""
    if isinstance(schema, list):
        return [_as_written(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    added = {"anyOf"} if schema.get("x-kubernetes-int-or-string") else set()
    return {key: _as_written(value) for key, value in schema.items() if key not in added}


def _is_gone(definitions: client.ApiextensionsV1Api, name: str) -> bool:
    try:
        definitions.read_custom_resource_definition(name)
    except client.ApiException as error:
        return bool(error.status == HTTPStatus.NOT_FOUND)
    return False


def _wait_until(reached: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + IN_FORCE_WITHIN_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {IN_FORCE_WITHIN_SECONDS:.0f} s for {what}")
        time.sleep(0.1)
