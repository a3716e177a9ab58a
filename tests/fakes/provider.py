"""An OpenID Connect provider on loopback: it describes itself, lets one person sign in, and vouches for them."""

import base64
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.fakes.web import Asked, reply, web_server

CLIENT, SECRET = "trunkline", "secret-of-the-client"


def _key(name: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": name, "use": "sig"})


@dataclass
class FakeProvider:
    """
    What it says of itself and of whoever signs in.

    `claims`: what differs from an honest identity; None takes one away. `signs`: with which key; `shows`: which it publishes.
    """

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    signs: ECKey = field(default_factory=lambda: _key("first"))
    shows: list[ECKey] = field(default_factory=list)
    is_down: bool = False
    _codes: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shows = [self.signs]

    def rotate(self, *, published: bool = True) -> None:
        """Sign with another key from now on."""
        self.signs = _key("second")
        if published:
            self.shows = [self.signs]

    def sign_in(self, address: str) -> dict[str, str]:
        """Let a browser sign in at the address that it was sent to; return the query that it goes back with."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert address.startswith(f"{self.issuer}/authorize?")
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert (asked["scope"], asked["code_challenge_method"]) == ("openid email", "S256")
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def respond(self, asked: Asked) -> bytes:
        """Answer a request of the console's."""
        if self.is_down:
            return reply("down", 503)
        match asked.line.split()[:2]:
            case ["GET", "/.well-known/openid-configuration"]:
                ends = {
                    "authorization_endpoint": "authorize",
                    "token_endpoint": "token",
                    "jwks_uri": "keys",
                }
                return _json({"issuer": self.issuer} | {name: f"{self.issuer}/{end}" for name, end in ends.items()})
            case ["GET", "/keys"]:
                return _json({"keys": [{"kty": "AKP"}, *(key.as_dict(private=False) for key in self.shows)]})
            case ["POST", "/token"]:
                return self._token(asked)
            case _:
                return reply("{}", 404)

    def _token(self, asked: Asked) -> bytes:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        began = self._codes.pop(form["code"], None)
        login = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        if (
            began is None
            or asked.headers["authorization"] != f"Basic {login}"
            or challenge.rstrip("=") != began["code_challenge"]
            or form["redirect_uri"] != began["redirect_uri"]
        ):
            return _json({"error": "invalid_grant"}, 400)
        return _json({"access_token": "opaque", "token_type": "Bearer", "id_token": self._identity(began["nonce"])})

    def _identity(self, nonce: str) -> str:
        now = int(time.time())
        honest = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "248289761001",
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "email_verified": True,
        }
        claims = {name: value for name, value in {**honest, **self.claims}.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.signs.kid}, claims, self.signs)


def _json(document: object, status: int = 200) -> bytes:
    return reply(orjson.dumps(document), status)


@asynccontextmanager
async def provider_server() -> AsyncIterator[FakeProvider]:
    """Serve one on loopback for the length of the block."""
    provider = FakeProvider()
    async with web_server(provider.respond) as web:
        provider.issuer = web.url
        yield provider
