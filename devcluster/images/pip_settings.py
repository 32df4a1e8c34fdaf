"""Letting pip inside a build reach what pip on this machine reaches: the host's index, certificates and wheels.

They are handed over as read-only mounts, so that a Dockerfile knows nothing of the machine that it is built on.
"""

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

from devcluster import layout

_OPTIONS = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy", "timeout", "cert")
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_CACHE_IN_BUILD = "/var/cache/devcluster-pip"


def mounts(scratch: Path) -> list[str]:
    """The options of ``buildah bud`` for a pip configuration written to *scratch*."""
    options = host_options(environment=os.environ, files=_host_files())
    volumes = []
    certificates = options.get("cert") or _CERTIFICATES
    if Path(certificates).is_file():
        volumes.append(f"{certificates}:{_CERTIFICATES}:ro")
        options["cert"] = _CERTIFICATES
    wheels = [place for place in options.get("find-links", "").split() if Path(place).is_dir()]
    volumes += [f"{place}:{place}:ro" for place in wheels]
    cache = layout.cache() / "pip"
    cache.mkdir(parents=True, exist_ok=True)
    volumes.append(f"{cache}:{_CACHE_IN_BUILD}:rw")
    options["cache-dir"] = _CACHE_IN_BUILD
    settings = scratch / "pip.conf"
    lines = [f"{name} = {' '.join(value.split())}" for name, value in sorted(options.items())]
    settings.write_text("\n".join(["[global]", *lines, ""]))
    volumes.append(f"{settings}:/etc/pip.conf:ro")
    return [word for volume in volumes for word in ("--volume", volume)]


def host_options(*, environment: Mapping[str, str], files: list[Path]) -> dict[str, str]:
    """Pip's options of this machine; as for pip, a later file wins, and the environment over files."""
    options: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file)
        except configparser.Error:
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                options.update({name: value for name, value in parser.items(section) if name in _OPTIONS})
    for name in _OPTIONS:
        variable = "PIP_DEFAULT_TIMEOUT" if name == "timeout" else f"PIP_{name.upper().replace('-', '_')}"
        if environment.get(variable):
            options[name] = environment[variable]
    return options


def _host_files() -> list[Path]:
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", config / "pip" / "pip.conf"]
    if os.environ.get("PIP_CONFIG_FILE"):
        files.append(Path(os.environ["PIP_CONFIG_FILE"]))
    return files
