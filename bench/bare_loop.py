"""The least that scales from zero: a passive declare every 200 ms, and one PATCH. No operator, no object, no status.

It is what the operator's reaction is compared with in the same run. `python -m bench.bare_loop QUEUE NAMESPACE`
says `reading` once it reads, scales the Deployment of the queue's name at the first message, and ends.
"""

import argparse
import os
import time

import pika
from kubernetes import client, config

from bench.workload import MESSAGES_PER_REPLICA

INTERVAL_SECONDS = 0.2
"""As the operator reads a queue whose target is at zero."""


def main() -> None:
    """Read until there is a message, then write. The broker's address is in AMQP_URL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queue")
    parser.add_argument("namespace")
    options = parser.parse_args()
    config.load_kube_config()
    apps = client.AppsV1Api()
    # Also opens the HTTPS connection: the operator has one open when the message comes.
    apps.read_namespaced_deployment_scale(options.queue, options.namespace)
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
    channel = connection.channel()
    print("reading", flush=True)
    while not (ready := channel.queue_declare(options.queue, passive=True).method.message_count):
        time.sleep(INTERVAL_SECONDS)
    replicas = -(-ready // MESSAGES_PER_REPLICA)
    apps.patch_namespaced_deployment_scale(options.queue, options.namespace, {"spec": {"replicas": replicas}})
    connection.close()


if __name__ == "__main__":
    main()
