"""The machine that figures were measured on, and what else it was busy with."""

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


@dataclass(frozen=True, kw_only=True)
class _CpuTime:
    """Ticks since boot, of all cores together (proc(5), /proc/stat)."""

    idle: int
    steal: int
    total: int


def _cpu_time() -> _CpuTime:
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    # user, nice, system, idle, iowait, irq, softirq, steal
    return _CpuTime(idle=ticks[3] + ticks[4], steal=ticks[7], total=sum(ticks))


class Machine:
    """Remembers how busy the machine was when the measurement began."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._cpu = _cpu_time()

    def facts(self) -> dict[str, Any]:
        """What it is, and how busy it has been since the beginning, by everything that ran on it."""
        now = _cpu_time()
        total = max(now.total - self._cpu.total, 1)
        return {
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "memory_gib": _memory_gib(),
            "system": f"{platform.system()} {platform.release()}",
            "load_1m_before": round(self._load, 2),
            "load_1m_after": round(os.getloadavg()[0], 2),
            "cpu_busy_percent": round(100 * (1 - (now.idle - self._cpu.idle) / total)),
            "cpu_stolen_percent": round(100 * (now.steal - self._cpu.steal) / total, 1),
        }


def package_versions(*packages: str) -> dict[str, str]:
    """Versions of Python, of this checkout and of the named distributions."""
    versions = {"python": platform.python_version(), "checkout": _checkout()}
    return versions | {package: metadata.version(package) for package in packages}


def _checkout() -> str:
    """The commit, with `-dirty` where files differ from it; `unknown` outside of a git checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]  # looked up on PATH as every git command
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
