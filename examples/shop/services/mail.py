"""The mail server: real SMTP, one mailbox per order, and the counts over HTTP.

As mail servers do, it knows a mail that it has seen by its Message-ID: handed in again, it is accepted,
counted and not delivered a second time.
"""

import asyncio
import os
import re
import time
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import default as default_policy
from typing import Any

from aiosmtpd.controller import Controller

from .json_http import Answer, JsonServer, Request, Route, as_json, serve_until_stopped
from .ledger import Ledger

MESSAGE_ID = re.compile(r"^<receipt-(?P<order>[^@<>\s]+)@shop>$")


class Mailbox:
    """Takes mails from aiosmtpd; its method names and replies are aiosmtpd's."""

    def __init__(self, ledger: Ledger, *, service_seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._service_seconds = service_seconds
        self._clock = clock

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Deliver one mail; takes as long as a mail server that scans for spam."""
        await asyncio.sleep(self._service_seconds)
        mail = BytesParser(policy=default_policy).parsebytes(envelope.content, headersonly=True)
        match = MESSAGE_ID.match(str(mail["Message-ID"] or "").strip())
        if match is None:
            return "550 5.6.0 Message-ID must be <receipt-ORDER@shop>"
        published = mail["X-Enqueued-At"]
        first = self._ledger.record(
            match["order"],
            content=envelope.content,
            enqueued_at=None if published is None else float(published),
            now=self._clock(),
        )
        return "250 2.0.0 delivered" if first else "250 2.0.0 already delivered"


def start_smtp(ledger: Ledger, *, host: str, port: int, service_seconds: float) -> Controller:
    """Serve SMTP in a thread of its own; stop it with `.stop()`."""
    controller = Controller(Mailbox(ledger, service_seconds=service_seconds), hostname=host, port=port)
    controller.start()
    return controller


def routes(ledger: Ledger) -> list[Route]:
    """HTTP: /stats, /orders (ids with a mail) and /mails/<id>."""

    def mail(request: Request) -> Answer:
        content = ledger.content(request.tail)
        if content is None:
            return as_json({"error": f"no mail for order {request.tail}"}, status=404)
        return Answer(body=content, content_type="message/rfc822")

    return [
        Route(method="GET", path="/stats", call=lambda _: as_json(ledger.stats())),
        Route(method="GET", path="/orders", call=lambda _: as_json(ledger.order_ids())),
        Route(method="GET", path="/mails/", call=mail),
    ]


def main() -> None:
    """Run in the container."""
    ledger = Ledger()
    smtp = start_smtp(
        ledger,
        host="0.0.0.0",
        port=int(os.environ.get("SMTP_PORT", "8025")),
        service_seconds=float(os.environ.get("MAIL_SECONDS", "0.25")),
    )
    serve_until_stopped(JsonServer(port=int(os.environ.get("HTTP_PORT", "8080")), routes=routes(ledger)))
    smtp.stop()


if __name__ == "__main__":
    main()
