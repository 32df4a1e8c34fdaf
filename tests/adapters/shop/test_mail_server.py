import json
import smtplib
import threading
from email.message import EmailMessage

import pytest

from tests.adapters.shop.servers import MailServer


def a_mail(order: str, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "shop@example.com", "customer@example.com"
    mail["Message-ID"] = f"<receipt-{order}@shop>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(f"Thank you for order {order}.")
    return mail


def test_a_mail_is_stored_under_its_order(mail_server: MailServer) -> None:
    mail_server.send(a_mail("r-000001"))
    status, stored = mail_server.web.get("/mails/r-000001")

    assert status == 200
    assert b"Thank you for order r-000001." in stored
    assert json.loads(mail_server.web.get("/orders")[1]) == ["r-000001"]


def test_a_mail_handed_in_again_is_accepted_counted_and_not_delivered_twice(mail_server: MailServer) -> None:
    for _ in range(3):
        mail_server.send(a_mail("r-000001"))
    mail_server.send(a_mail("r-000002"))
    stats = mail_server.web.stats()

    assert (stats["orders"], stats["repeated"], stats["repeatedOrders"]) == (2, 2, ["r-000001"])


def test_the_wait_is_measured_from_the_messages_publishing(mail_server: MailServer) -> None:
    # 2001: whatever this machine's clock says, more than a year has passed since.
    mail_server.send(a_mail("r-000001", X_Enqueued_At="1000000000.000"))

    assert mail_server.web.stats()["longestWaitSeconds"] > 365 * 24 * 3600


def test_a_mail_that_belongs_to_no_order_is_refused(mail_server: MailServer) -> None:
    mail = a_mail("r-000001")
    mail.replace_header("Message-ID", "<spam@elsewhere>")

    with pytest.raises(smtplib.SMTPDataError, match="Message-ID must be"):
        mail_server.send(mail)
    assert mail_server.web.stats()["orders"] == 0


def test_many_mails_at_once_are_all_counted(mail_server: MailServer) -> None:
    def send_ten(sender: int) -> None:
        for number in range(10):
            mail_server.send(a_mail(f"r-{sender}-{number}"))

    senders = [threading.Thread(target=send_ten, args=(sender,)) for sender in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    stats = mail_server.web.stats()
    assert (stats["orders"], stats["repeated"]) == (80, 0)


def test_an_order_without_mail_and_a_path_that_is_not_served_are_404(mail_server: MailServer) -> None:
    assert mail_server.web.get("/mails/r-9")[0] == 404
    status, body = mail_server.web.get("/nothing")
    assert (status, json.loads(body)) == (404, {"error": "nothing is served at GET /nothing"})
