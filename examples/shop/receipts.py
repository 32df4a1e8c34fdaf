"""Send the receipt of an order by e-mail: what a user of qc_consumer writes, and no more.

Run with CONSUMER_HANDLER=receipts:handle. The Message-ID is made from the order's id,
so that a mail server that sees it twice delivers it once.
"""

import os
import smtplib
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from qc_consumer import Delivery, Reject

TIMEOUT_SECONDS = 15


def handle(order: dict[str, Any], delivery: Delivery) -> None:
    """Send one receipt. Anything the mail server refuses or fails at is raised, and so tried again later."""
    if "@" not in order.get("email", ""):
        raise Reject("the order has no e-mail address")
    host, port = os.environ.get("SMTP_HOST", "mail"), int(os.environ.get("SMTP_PORT", "8025"))
    # Without local_hostname, smtplib asks DNS for this host's full name: seconds, where it is slow.
    with smtplib.SMTP(host, port, local_hostname="receipts", timeout=TIMEOUT_SECONDS) as smtp:
        smtp.send_message(receipt(order, enqueued_at=delivery.enqueued_at))


def receipt(order: dict[str, Any], *, enqueued_at: datetime | None) -> EmailMessage:
    """Write the mail."""
    mail = EmailMessage()
    mail["From"] = "shop@example.com"
    mail["To"] = order["email"]
    mail["Subject"] = f"Your order {order['id']}"
    mail["Message-ID"] = f"<receipt-{order['id']}@shop>"
    if enqueued_at is not None:
        mail["X-Enqueued-At"] = f"{enqueued_at.timestamp():.3f}"
    lines = [f"{item['quantity']} x {item['name']}" for item in order["items"]]
    mail.set_content("\n".join(["Thank you for your order:", "", *lines, ""]))
    return mail
