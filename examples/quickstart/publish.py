"""Publish so many orders to the queue `receipts`, each confirmed by the broker before the next one."""

import sys

from qc_producer import Producer

with Producer() as producer:
    for number in range(int(sys.argv[1])):
        producer.publish({"id": number}, "receipts")
