"""
Signing in at a provider that the platform trusts: OpenID Connect's authorization code flow, with PKCE (RFC 7636).

What belongs to one try follows from one secret in the browser's cookie, so that it needs no row. The provider's description and
its keys are read anew for each sign-in, which is rare: a key that was changed counts at once.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ValidationError

from services.console.settings import ConsoleSettings, Oidc
from shared.outbound import Guard, OutboundFailure

RETURN_PATH = "/sign-in/provider/return"
"""Where the provider sends browsers back to; registered there, behind the console's public address."""

_SECRET_BYTES = 32
_SCOPE = "openid email"
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""What an identity may be signed with: asymmetric, so that nobody who can check one can make one."""

_LEEWAY = 60
"""Seconds that the provider's clock may be off."""

_SECOND_FACTORS = frozenset({"mfa", "otp", "hwk", "sc"})
"""Ways of signing in (`amr`, RFC 8176) that are, or come with, something that one has."""

_LONGEST_CLAIM = 320
_NO_SUCH_CODE = 400
_BROKEN = 500


class NotProven(Exception):
    """What came back is nobody's identity. `reason`: a word for the audit log, never for the person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderDown(Exception):
    """The provider does not answer, or not as the standard has it."""


@dataclass(frozen=True)
class Try:
    """One try to sign in, in one browser. `secret`: what its cookie holds."""

    secret: str

    @classmethod
    def new(cls) -> "Try":
        """Begin one."""
        return cls(secrets.token_urlsafe(_SECRET_BYTES))

    @property
    def state(self) -> str:
        """What the provider gives back with its answer: proves that this browser asked."""
        return self._for("state")

    @property
    def nonce(self) -> str:
        """What the identity has to name: proves that it was made for this try."""
        return self._for("nonce")

    @property
    def verifier(self) -> str:
        """What the code is exchanged with: proves that whoever has the code asked for it."""
        return self._for("verifier")

    def _for(self, purpose: str) -> str:
        return hmac.digest(self.secret.encode(), purpose.encode(), hashlib.sha256).hex()


@dataclass(frozen=True)
class Identity:
    """Whom the provider vouches for. `has_second_factor`: whether it says that one was asked for."""

    email: str
    has_second_factor: bool


class _Described(BaseModel):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(BaseModel):
    id_token: str
    access_token: str | None = None


class _Keys(BaseModel):
    keys: list[dict[str, Any]]


_Document = TypeVar("_Document", _Described, _Keys)


@dataclass(frozen=True)
class Provider:
    """The provider, asked through the outbound guard. `here`: the console's public address."""

    settings: Oidc
    here: str
    guard: Guard

    async def address(self, trying: Try) -> str:
        """Return where the browser signs in. Raises ProviderDown."""
        described = await self._describe()
        return str(
            prepare_grant_uri(
                described.authorization_endpoint,
                self.settings.client_id,
                "code",
                redirect_uri=self.here + RETURN_PATH,
                scope=_SCOPE,
                state=trying.state,
                nonce=trying.nonce,
                code_challenge=create_s256_code_challenge(trying.verifier),
                code_challenge_method="S256",
            )
        )

    async def identity(self, trying: Try, answer: Mapping[str, str]) -> Identity:
        """Return who signed in. `answer`: the query that the browser came back with. Raises NotProven, ProviderDown."""
        if not hmac.compare_digest(answer.get("state", "").encode(), trying.state.encode()):
            raise NotProven("state")
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207
            raise NotProven("issuer")
        if not (code := answer.get("code")):
            raise NotProven("declined")
        described = await self._describe()
        tokens = await self._exchange(described, trying, code)
        keys = await self._read(described.jwks_uri, _Keys)
        return self._named(_claims(tokens, keys, self._wanted(trying, tokens)))

    async def _describe(self) -> _Described:
        address = f"{(self.settings.issuer or '').rstrip('/')}/.well-known/openid-configuration"
        described = await self._read(address, _Described)
        if described.issuer != self.settings.issuer:
            raise ProviderDown
        return described

    async def _read(self, url: str, model: type[_Document]) -> _Document:
        answer = await self.guard.ask("GET", url, headers={"Accept": "application/json"})
        if isinstance(answer, OutboundFailure) or not answer.ok:
            raise ProviderDown
        try:
            return model.model_validate_json(answer.text)
        except ValidationError:
            raise ProviderDown from None

    async def _exchange(self, described: _Described, trying: Try, code: str) -> _Tokens:
        form = prepare_token_request(
            "authorization_code", redirect_uri=self.here + RETURN_PATH, code=code, code_verifier=trying.verifier
        )
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        url, headers, body = self._login(described).prepare("POST", described.token_endpoint, headers, form)
        answer = await self.guard.ask("POST", url, headers=headers, content=body.encode())
        if isinstance(answer, OutboundFailure) or answer.status >= _BROKEN:
            raise ProviderDown
        if answer.status >= _NO_SUCH_CODE:
            raise NotProven("code")
        try:
            return _Tokens.model_validate_json(answer.text)
        except ValidationError:
            raise ProviderDown from None

    def _login(self, described: _Described) -> ClientAuth:
        secret = self.settings.client_secret
        if secret is None:
            return ClientAuth(self.settings.client_id, None, "none")
        takes_basic = "client_secret_basic" in described.token_endpoint_auth_methods_supported
        method = "client_secret_basic" if takes_basic else "client_secret_post"
        return ClientAuth(self.settings.client_id, secret.get_secret_value(), method)

    def _wanted(self, trying: Try, tokens: _Tokens) -> dict[str, Any]:
        return {
            "options": {
                "iss": {"essential": True, "value": self.settings.issuer},
                "aud": {"essential": True, "value": self.settings.client_id},
            },
            "params": {
                "nonce": trying.nonce,
                "client_id": self.settings.client_id,
                "access_token": tokens.access_token,
            },
        }

    def _named(self, claims: Mapping[str, Any]) -> Identity:
        email = claims.get(self.settings.claim)
        if not isinstance(email, str) or not 0 < len(email) <= _LONGEST_CLAIM:
            raise NotProven("unnamed")
        if self.settings.claim == "email" and claims.get("email_verified") is not True:
            raise NotProven("unverified")
        if self.settings.trusted and email.rpartition("@")[2].lower() not in self.settings.trusted:
            raise NotProven("domain")
        return Identity(email, any(way in _SECOND_FACTORS for way in claims.get("amr") or () if isinstance(way, str)))


def open_provider(settings: ConsoleSettings, guard: Guard) -> Provider | None:
    """Return the provider; None where none is set up."""
    if settings.oidc.issuer is None:
        return None
    return Provider(settings.oidc, settings.console.url or "", guard)


def _claims(tokens: _Tokens, keys: _Keys, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an identity says, whose signature, issuer, audience, age and nonce are right. Raises NotProven."""
    try:
        token = jwt.decode(tokens.id_token, KeySet.import_key_set({"keys": keys.keys}), algorithms=_ALGORITHMS)
        CodeIDToken(token.claims, token.header, **wanted).validate(leeway=_LEEWAY)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotProven(str(getattr(error, "error", "") or "malformed")) from None
    return token.claims
