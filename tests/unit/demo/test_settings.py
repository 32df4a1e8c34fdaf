import pytest

from examples.demo.settings import parse
from examples.demo.shop import manifests


def test_by_default_the_demo_has_a_cluster_of_its_own_and_cleans_up() -> None:
    settings = parse([], {})

    assert (settings.current_cluster, settings.keep, settings.build_images) == (False, False, True)


def test_on_the_current_cluster_images_are_built_only_if_they_can_be_loaded() -> None:
    assert not parse([], {"DEMO_CLUSTER": "current"}).build_images
    assert parse([], {"DEMO_CLUSTER": "current", "IMAGE_LOAD": "kind load {archive}"}).build_images


def test_keep_is_off_when_it_says_so() -> None:
    assert [parse([], {"DEMO_KEEP": value}).keep for value in ("1", "0", "")] == [True, False, False]


def test_a_prometheus_is_there_on_request() -> None:
    assert [parse([], {"DEMO_PROMETHEUS": value}).prometheus for value in ("1", "0", "")] == [True, False, False]


def test_a_cluster_that_is_not_known_ends_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([], {"DEMO_CLUSTER": "minikube"})

    assert "DEMO_CLUSTER is 'minikube'; it may be 'devcluster'" in capsys.readouterr().err


def test_a_cluster_that_pulls_gets_its_images_from_the_prefix() -> None:
    elsewhere = manifests("example.org/team")

    assert "image: example.org/team/shop:dev" in elsewhere
    assert "localhost/" not in elsewhere
