"""Tokens from a real issuer: asked for once, kept, renewed in time; and what is said when there are none."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import aiohttp
import pytest
from flask import Response

from qc_operator.brokers import issuer as issuer_module
from qc_operator.brokers import oauth2
from qc_operator.brokers.credentials import LoginError, OAuth2, Tls
from qc_operator.brokers.oauth2 import TokenSource
from qc_operator.brokers.web import open_session
from tests.certificates import Authority
from tests.rabbitmq_node import until
from tests.token_issuer import Client, TokenIssuer

AUTHORITY = Authority()
ISSUERS = {"authlib", "werkzeug"}
AWKWARD = "s3cret :/@%?#&+=ü"


@dataclass
class Clock:
    """The time, which passes when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(oauth2, "_now", made)
    return made


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    made = TokenIssuer(certificate=AUTHORITY.server())
    made.add(Client("operator:1", AWKWARD, ("rabbitmq.read:*/*",), life=100))
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened
    # TLS says goodbye after the session is closed: https://docs.aiohttp.org/en/stable/client_advanced.html#graceful-shutdown
    await asyncio.sleep(0.1)


@pytest.fixture
def tokens(issuer: TokenIssuer, session: aiohttp.ClientSession, clock: Clock) -> TokenSource:  # noqa: ARG001 - is set
    return source(issuer, session)


def source(
    issuer: TokenIssuer, session: aiohttp.ClientSession, *, client_secret: str = AWKWARD, ca: str | None = None
) -> TokenSource:
    wanted = OAuth2(
        token_uri=issuer.token_uri,
        client_id="operator:1",
        client_secret=client_secret,
        scopes=("rabbitmq.read:*/*", "rabbitmq.tag:management"),
        audience="rabbitmq",
    )
    return TokenSource(oauth2=wanted, https=Tls(ca=ca or AUTHORITY.certificate), session=session)


async def test_many_who_ask_at_once_make_one_request(issuer: TokenIssuer, tokens: TokenSource) -> None:
    given = await asyncio.gather(*(tokens.token() for _ in range(50)))

    assert set(issuer.issued) == set(given)
    assert [
        {
            "grant_type": "client_credentials",
            "scope": "rabbitmq.read:*/* rabbitmq.tag:management",
            "audience": "rabbitmq",
        }
    ] == issuer.asked


async def test_a_token_is_kept_for_80_percent_of_its_life(
    issuer: TokenIssuer, tokens: TokenSource, clock: Clock
) -> None:
    assert 0 == tokens.due_in
    first = await tokens.token()
    clock.now += 79

    assert 1.0 == pytest.approx(tokens.due_in)
    assert first == await tokens.token()
    clock.now += 2
    assert 0 == tokens.due_in
    assert first != await tokens.token()
    assert 2 == len(issuer.issued)
    assert 80.0 == pytest.approx(tokens.due_in)


async def test_while_the_issuer_is_away_the_old_token_is_good_to_its_end(
    issuer: TokenIssuer, tokens: TokenSource, clock: Clock
) -> None:
    first = await tokens.token()
    issuer.stop()
    clock.now += 99

    assert first == await tokens.token()
    # An open connection is not to ask without pause.
    assert 5.0 == pytest.approx(tokens.due_in)
    clock.now += 2
    with pytest.raises(LoginError, match=r"cannot be reached: nothing listens there \(connection refused\)") as refused:
        await tokens.token()
    assert "TokenIssuerUnreachable" == refused.value.reason
    issuer.start()
    assert first != await tokens.token()
    assert 80.0 == pytest.approx(tokens.due_in)


async def test_while_the_old_token_is_good_an_issuer_that_is_away_is_asked_every_five_seconds(
    issuer: TokenIssuer, tokens: TokenSource, clock: Clock
) -> None:
    first = await tokens.token()
    issuer.answer = Response(status=503)
    for _ in range(18):  # a second each, in the last fifth of its life
        assert first == await tokens.token()
        clock.now = max(clock.now, 1081.0) + 1

    assert 1 + 4 == len(issuer.asked)


async def test_renewing_gives_one_new_token_to_all_connections_and_no_old_one(
    issuer: TokenIssuer, tokens: TokenSource, clock: Clock
) -> None:
    first = await tokens.token()
    clock.now += 81
    renewed = {await tokens.renew() for _ in range(3)}

    assert {issuer.issued[1]} == renewed != {first}
    issuer.stop()
    clock.now += 81
    with pytest.raises(LoginError):
        await tokens.renew()
    assert renewed == {await tokens.token()}


async def test_an_attempt_that_failed_is_followed_by_another(issuer: TokenIssuer, tokens: TokenSource) -> None:
    issuer.answer = Response(status=503)
    for _ in range(2):
        with pytest.raises(LoginError):
            await tokens.renew()
    issuer.answer = None

    assert await tokens.renew() in issuer.issued
    assert 3 == len(issuer.asked)


async def test_who_waits_for_a_request_that_fails_makes_none_of_its_own(
    issuer: TokenIssuer, tokens: TokenSource
) -> None:
    issuer.answer = Response('{"error": "temporarily_unavailable"}', status=503)
    failures = await asyncio.gather(*(tokens.renew() for _ in range(20)), return_exceptions=True)

    assert 1 == len(issuer.asked)
    assert {"TokenIssuerUnreachable"} == {failure.reason for failure in failures if isinstance(failure, LoginError)}
    assert 20 == len({id(failure) for failure in failures})


async def test_who_waits_for_a_request_that_was_cancelled_makes_one(issuer: TokenIssuer, tokens: TokenSource) -> None:
    issuer.answering.clear()
    first, second = (asyncio.create_task(tokens.token()) for _ in range(2))
    await asyncio.to_thread(until, lambda: issuer.asked)
    first.cancel()
    issuer.answering.set()

    assert await second in issuer.issued


async def test_a_token_that_the_broker_refused_is_not_used_again(tokens: TokenSource, clock: Clock) -> None:
    first = await tokens.token()
    clock.now += 11
    tokens.forget()

    assert 0 == tokens.due_in
    assert first != await tokens.token()


async def test_a_new_token_that_the_broker_refused_would_be_followed_by_another_like_it(
    issuer: TokenIssuer, tokens: TokenSource, clock: Clock
) -> None:
    first = await tokens.token()
    clock.now += 9
    tokens.forget()

    assert first == await tokens.token()
    assert 1 == len(issuer.asked)


async def test_a_wrong_secret(issuer: TokenIssuer, session: aiohttp.ClientSession) -> None:
    with pytest.raises(LoginError) as refused:
        await source(issuer, session, client_secret="s3cret").token()

    assert "TokenRefused" == refused.value.reason
    assert f"token issuer {issuer.token_uri} refused client operator:1: invalid_client" == str(refused.value)


async def test_an_issuer_that_is_not_trusted(issuer: TokenIssuer, session: aiohttp.ClientSession) -> None:
    with pytest.raises(LoginError, match="signed by a CA that is not trusted") as refused:
        await source(issuer, session, ca=Authority().certificate).token()

    assert "TokenIssuerUnreachable" == refused.value.reason


async def test_an_issuer_that_says_nothing(session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_module, "TIMEOUT", aiohttp.ClientTimeout(total=0.3))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}/token"
        wanted = OAuth2(token_uri=uri, client_id="operator", client_secret=AWKWARD)
        with pytest.raises(LoginError) as refused:
            await TokenSource(oauth2=wanted, https=Tls(), session=session).token()

    assert "TokenIssuerUnreachable" == refused.value.reason
    assert f"token issuer {uri} cannot be reached: no answer in time" == str(refused.value)


TOKEN = '{"access_token": "s3cret", "token_type": "Bearer"'


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        pytest.param(("", 500), "TokenIssuerUnreachable", "answered with HTTP status 500", id="500"),
        pytest.param(("", 404), "TokenIssuerUnreachable", "answered with HTTP status 404", id="404"),
        pytest.param(("", 429), "TokenIssuerUnreachable", "answered with HTTP status 429", id="429"),
        pytest.param(("", 401), "TokenRefused", "refused client operator:1 with HTTP status 401", id="401"),
        pytest.param(('{"error": "s3cret ?"}', 400), "TokenRefused", "with HTTP status 400", id="no code"),
        pytest.param(('{"error": 7}', 400), "TokenRefused", "with HTTP status 400", id="a number"),
        pytest.param(
            ('{"error": "invalid_scope", "error_description": "s3cret"}', 400),
            "TokenRefused",
            "invalid_scope",
            id="code",
        ),
        pytest.param(("<html>s3cret", 200), "TokenInvalid", "with something else than a token", id="a page"),
        pytest.param(('{"access_token": "s3cret"}', 200), "TokenInvalid", "with something else", id="no type"),
        pytest.param(("\xff", 200), "TokenInvalid", "with something else than a token", id="no text"),
        pytest.param(
            (TOKEN.replace("Bearer", "mac") + "}", 200), "TokenInvalid", "with a token that is no bearer", id="mac"
        ),
        pytest.param((TOKEN.replace("s3c", "s3c\\n") + "}", 200), "TokenInvalid", "no bearer token", id="header"),
        pytest.param((TOKEN + ', "expires_in": 0}', 200), "TokenInvalid", "has no life left", id="no life"),
        pytest.param((TOKEN + ', "expires_in": "s3cret"}', 200), "TokenInvalid", "with something else", id="no number"),
        pytest.param((TOKEN + ', "expires_in": "nan"}', 200), "TokenInvalid", "has no life left", id="nan"),
        pytest.param(("s3cret" * 100_000, 200), "TokenInvalid", "with more than 262144 bytes", id="too long"),
    ],
)
async def test_an_answer_that_is_no_token(
    issuer: TokenIssuer, tokens: TokenSource, answer: tuple[str, int], reason: str, words: str
) -> None:
    text, status = answer
    issuer.answer = Response(text.encode("latin-1"), status=status)
    with pytest.raises(LoginError) as refused:
        await tokens.token()

    assert reason == refused.value.reason
    assert words in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("life", "due"),
    [
        pytest.param(', "expires_in": 50}', 40.0, id="a number"),
        pytest.param(', "expires_in": "50"}', 40.0, id="a number in quotes"),
        pytest.param("}", 240.0, id="not given: five minutes"),
    ],
)
async def test_the_life_of_a_token(issuer: TokenIssuer, tokens: TokenSource, life: str, due: float) -> None:
    issuer.answer = Response(TOKEN + life)

    assert "s3cret" == await tokens.token()
    assert due == pytest.approx(tokens.due_in)


async def test_a_redirect_is_not_followed(issuer: TokenIssuer, tokens: TokenSource) -> None:
    issuer.answer = Response(status=307, headers={"Location": issuer.token_uri})
    with pytest.raises(LoginError, match="answered with HTTP status 307"):
        await tokens.token()

    assert 1 == len(issuer.asked)


async def test_nothing_secret_is_logged_or_shown(tokens: TokenSource, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = await tokens.token()
    # The issuer runs in this process too, and logs what it is asked for.
    logged = [record.getMessage() for record in caplog.records if record.name.split(".")[0] not in ISSUERS]
    written = "\n".join([*logged, repr(vars(tokens)), repr(vars(tokens._issuer)), str(tokens)])

    assert token not in written
    assert token.rpartition(".")[2] not in written
    assert "s3cret" not in written
