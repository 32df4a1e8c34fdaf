"""Settings of the process come from its environment, or it does not start."""

import pytest

from qc_operator.settings import SettingsError, from_environment


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = from_environment({})

    assert (8080, "INFO", "queueconsumer-operator") == (settings.port, settings.log_level, settings.identity)


def test_the_pod_says_who_it_is() -> None:
    assert "ns/pod" == from_environment({"POD_NAMESPACE": "ns", "POD_NAME": "pod"}).identity


@pytest.mark.parametrize(("name", "value"), [("QC_LOG_LEVEL", "chatty"), ("QC_PORT", "http"), ("QC_PORT", "0")])
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({name: value})
