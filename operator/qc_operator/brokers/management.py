"""The management API's wire: one request, its answer, and what went wrong in words.

What is asked over it stands in `queue_list.py` and `alarms.py`. The answers are not compressed: gzip makes those of
5,000 queues 40 times smaller, and costs the broker 10 to 30 % more CPU time (measured on 3.10.8 and 4.3.6).
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
import msgspec
from yarl import URL

from qc_operator.brokers import trouble
from qc_operator.brokers.credentials import Credentials, LoginError
from qc_operator.brokers.login import Login
from qc_operator.brokers.tls import tls_problem
from qc_operator.brokers.web import AnswerError, read_answer

REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class ManagementError(Exception):
    """No answer, or none that is one. `reason` is a CamelCase word, the message a sentence without secrets."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        retry_after: float | None = None,
        refused: bool = False,
        timed_out: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after
        """Seconds for which the API asks to be left alone."""
        self.refused = refused
        """Whether it refused the login: the Secret may hold a new one."""
        self.timed_out = timed_out


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    body: bytes


class ManagementApi:
    """The API of one broker, asked with one login."""

    def __init__(
        self, *, credentials: Credentials, login: Login, session: aiohttp.ClientSession, within: float
    ) -> None:
        self.credentials = credentials
        # As it goes over the wire: a host name in another script is encoded here, and a path is not again.
        self._base = str(URL(credentials.management.uri))
        self._login = login
        self._session = session
        self._within = within

    @property
    def where(self) -> str:
        """The address, for sentences."""
        return f"management API {self.credentials.management.uri}"

    async def get(self, path: str, *, accept: tuple[int, ...] = (HTTPStatus.OK,)) -> Answer:
        """Ask for a path that is percent-encoded already, such as `/api/queues/%2F?page=1`.

        Raises `ManagementError` for a status that is not accepted, and when there is no answer.
        """
        headers = {"Authorization": await self._authorization(), "Accept-Encoding": "identity"}
        url = URL(self._base + path, encoded=True)
        try:
            async with self._session.get(
                url,
                headers=headers,
                # A redirect would take the login to an address that the Secret does not name.
                allow_redirects=False,
                ssl=self._login.http_tls(),
                server_hostname=self._login.server_name(url.host or "") if url.scheme == "https" else None,
                timeout=aiohttp.ClientTimeout(total=self._within),
            ) as response:
                body = await read_answer(response)
                if response.status not in accept:
                    raise self._refusal(response, body)
                return Answer(status=response.status, body=body)
        except TimeoutError:
            raise ManagementError(
                "ManagementUnreachable", f"{self.where} gave no answer within {self._within:g} s", timed_out=True
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from None
        except AnswerError as error:
            raise ManagementError("ManagementFailed", f"{self.where} answered {error}") from None

    async def find(self, path: str) -> bytes | None:
        """Ask for one object; None when the API says that there is no such object.

        Raises `ManagementError`, also for the 404 with which RabbitMQ 4.3 hides a vhost from those without permission.
        """
        answer = await self.get(path, accept=(HTTPStatus.OK, HTTPStatus.NOT_FOUND))
        if answer.status == HTTPStatus.OK:
            return answer.body
        if b'"Object Not Found"' not in answer.body:
            raise self._hidden(answer.body)
        return None

    async def _authorization(self) -> str:
        try:
            authorization = await self._login.authorization()
        except LoginError as error:
            raise ManagementError(error.reason, f"{self.where} was not asked: {error}") from None
        if authorization is None:
            raise ManagementError(
                "NoManagementLogin",
                f"{self.where} was not asked: the Secret has no user for it; add the keys management_username and "
                "management_password",
            )
        return authorization

    def _unreachable(self, error: Exception) -> ManagementError:
        problem = tls_problem(error) or trouble.of_http(error)
        if isinstance(getattr(error, "os_error", None), ConnectionRefusedError):
            problem += "; is the plugin rabbitmq_management on?"
        return ManagementError("ManagementUnreachable", f"{self.where} cannot be reached: {problem}")

    def _refusal(self, response: aiohttp.ClientResponse, body: bytes) -> ManagementError:
        retry_after = _seconds(response.headers.get("Retry-After"))
        said = _said(body)
        if response.status in REFUSALS:
            self._login.refused()
            return ManagementError(
                "ManagementRefused",
                f"{self.where} refused {self._user}{said}; {self._needs} in vhost {self.credentials.vhost}",
                retry_after=retry_after,
                refused=True,
            )
        if response.status == HTTPStatus.NOT_FOUND:
            return self._hidden(body)
        return ManagementError(
            "ManagementFailed",
            f"{self.where} answered with HTTP status {response.status}{said}",
            retry_after=retry_after,
        )

    def _hidden(self, body: bytes) -> ManagementError:
        return ManagementError(
            "ManagementFailed",
            f"{self.where} answered with HTTP status 404{_said(body)}: vhost {self.credentials.vhost} does not exist, "
            f"or {self._user} has no permission in it, or another service listens there",
        )

    @property
    def _user(self) -> str:
        user = self.credentials.management.username
        return f"user {user}" if user else self.credentials.who

    @property
    def _needs(self) -> str:
        if self.credentials.oauth2 is None or self.credentials.management.username:
            return "a user needs the right password, the tag `management`, and a permission"
        return "a token needs a scope that ends in `.tag:management`, and one for a permission"


def _seconds(retry_after: str | None) -> float | None:
    """Read HTTP's Retry-After (RFC 9110, section 10.2.3): seconds, or a date."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    return None


def _said(body: bytes) -> str:
    """Why, in the API's own words, such as "Not management user"; nothing where it says nothing of the kind."""
    with contextlib.suppress(msgspec.DecodeError):
        reason = msgspec.json.decode(body, type=dict[str, object]).get("reason")
        if isinstance(reason, str) and reason:
            return f" ({reason[:200]})"
    return ""
