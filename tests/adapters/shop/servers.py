"""How tests talk to the shop's servers."""

import http.client
import json
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any


@dataclass(frozen=True)
class Web:
    """The HTTP side of a server."""

    port: int

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, bytes]:
        return self.request("GET", path)

    def stats(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.get("/stats")[1])
        return document


@dataclass(frozen=True)
class MailServer:
    """The mail server: SMTP in, HTTP out."""

    smtp_port: int
    web: Web

    def send(self, mail: EmailMessage) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, local_hostname="test", timeout=10) as smtp:
            smtp.send_message(mail)
