"""Pages that follow from the CRD, from the chart's values and from the metrics say what those say."""

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("script", ["generate_api_reference.py", "generate_chart_values.py", "generate_metrics.py"])
def test_the_page_is_up_to_date(script: str) -> None:
    done = subprocess.run([sys.executable, DOCS / script, "--check"], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
