"""The live page: what each QueueConsumer does and why, for people who look while it happens. Read-only.

An autoscaler hands over what it tells anyway (`board.py`); from that come a row of the table (`row.py`), the course of
the last hours (`history.py`) and all that is known of one object (`view.py`). `stream.py` sends what has changed to who
looks on, and `server.py` is the rim. While nobody looks, nothing is put into words.
"""
