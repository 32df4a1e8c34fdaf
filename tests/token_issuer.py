"""A real OAuth 2 token issuer for brokers that take tokens: Authlib's authorization server in Flask, on loopback.

It grants client credentials (RFC 6749, section 4.4), signs JWT access tokens (RFC 9068) with RS256, and publishes the
key. Refusals are Authlib's own; a client that asks for scopes that it may not have gets a token without them.
"""

import ssl
import tempfile
import threading
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask, Response, jsonify, request
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import BaseWSGIServer, make_server

from tests.certificates import Certificate
from tests.ports import free_ports


@dataclass
class Client(ClientMixin):  # type: ignore[misc] # Authlib has no types
    """A client of the issuer. Scopes are RabbitMQ's: `AUDIENCE.read:*/*`, `AUDIENCE.tag:management`."""

    client_id: str
    secret: str
    scopes: tuple[str, ...]
    audience: str = "rabbitmq"
    life: int = 600
    """Seconds that its tokens are good for."""

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:
        """Return all that it may have when it asks for nothing."""
        return " ".join(self.scopes if not scope else (word for word in scope.split() if word in self.scopes))

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic" and endpoint == "token"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


@dataclass
class TokenIssuer:
    """Listens from `start` to `stop`, and again at the same port."""

    certificate: Certificate
    """Its own: Authlib grants no token in the clear."""
    clients: dict[str, Client] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    """The form of each request for a token."""
    issued: list[str] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)
    """Cleared: requests wait until it is set."""
    answer: Response | None = None
    """Given in place of a token."""

    def __post_init__(self) -> None:
        self.answering.set()
        (self._port,) = free_ports(1)
        self._keys = KeySet([RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)])
        self._server: BaseWSGIServer | None = None
        self._app = Flask("token-issuer")
        granting = AuthorizationServer(self._app, query_client=self.clients.get, save_token=self._save)
        granting.register_grant(ClientCredentialsGrant)
        granting.register_token_generator("default", _Tokens(issuer=self.uri, keys=self._keys))

        @self._app.post("/token")
        def token() -> Response:
            self.asked.append(request.form.to_dict())
            self.answering.wait(30)
            return self.answer or granting.create_token_response()

        @self._app.get("/keys")
        def keys() -> Response:
            return jsonify(self._keys.as_dict(private=False))

    @property
    def uri(self) -> str:
        return f"https://localhost:{self._port}"

    @property
    def token_uri(self) -> str:
        return f"{self.uri}/token"

    @property
    def keys_uri(self) -> str:
        return f"{self.uri}/keys"

    def add(self, client: Client) -> Client:
        self.clients[client.client_id] = client
        return client

    def _save(self, token: dict[str, Any], _: object) -> None:
        self.issued.append(token["access_token"])

    def start(self) -> None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self.certificate.key + self.certificate.certificate)
            file.flush()
            tls.load_cert_chain(file.name)
        self._server = make_server("127.0.0.1", self._port, self._app, threaded=True, ssl_context=tls)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening: connections are refused from now on."""
        self.answering.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Tokens(JWTBearerTokenGenerator):  # type: ignore[misc] # Authlib has no types
    """JWTs with the audience and the life of their client."""

    def __init__(self, *, issuer: str, keys: KeySet) -> None:
        super().__init__(issuer, expires_generator=lambda client, _: client.life)
        self._keys = keys

    def get_jwks(self) -> KeySet:
        return self._keys

    def get_audiences(self, client: Client, user: object, scope: str) -> str:  # noqa: ARG002 - Authlib's signature
        return client.audience
