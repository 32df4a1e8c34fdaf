"""The memory of what is scraped is that of an operator that has been scraped before."""

from bench.scrape import grown, text_of
from bench.scrape_scene import HISTORY_TURNS, keys, turns


def test_memory_is_taken_with_every_line_written() -> None:
    metrics, _ = grown(keys(20), last=turns(HISTORY_TURNS)[-1])

    assert [unwritten for unwritten in metrics.objects.changed if unwritten] == []
    assert len([line for line in text_of(metrics).splitlines() if not line.startswith(b"#")]) == 20 * 43
