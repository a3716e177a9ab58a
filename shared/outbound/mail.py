"""Mail through a server that a tenant named, under the guard's rules: a public host, a checked address, and always TLS."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

import aiosmtplib

from shared.outbound.dialing import MOST_TRIED, Resolver, SystemResolver, checked
from shared.outbound.failures import (
    BROKE_OFF,
    CERTIFICATE,
    MAIL_INSECURE,
    MAIL_LOGIN,
    MAIL_PUT_OFF,
    MAIL_REFUSED,
    TIMED_OUT,
    UNREACHABLE,
    OutboundFailure,
    Refused,
)
from shared.outbound.mailbox import MailServer, check_server
from shared.outbound.targets import Allowed

_LIMIT = 20.0
_CONNECT_LIMIT = 5.0
_FIRST_PERMANENT = 500


@dataclass(frozen=True)
class Mailer:
    """Sends mails, each over a connection of its own. `limit`: seconds that one may take in all."""

    allowed: Allowed
    resolver: Resolver = field(default_factory=SystemResolver)
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    limit: float = _LIMIT

    async def send(self, server: MailServer, password: str, mail: EmailMessage) -> OutboundFailure | None:
        """Send a mail, once; return why not. Where that has `begun`, it may have arrived all the same."""
        begun = False
        try:
            async with asyncio.timeout(self.limit), self._connected(server, password) as smtp:
                begun = True
                await smtp.send_message(mail)
        except Refused as refused:
            return refused.failure
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            return _failure(error, begun=begun)
        return None

    @asynccontextmanager
    async def _connected(self, server: MailServer, password: str) -> AsyncIterator[aiosmtplib.SMTP]:
        check_server(server, self.allowed)
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            sock=await self._socket(server),
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=self.tls,
            timeout=self.limit,
        )
        try:
            await smtp.connect()
            if server.username:
                await smtp.login(server.username, password)
            yield smtp
        finally:
            smtp.close()

    async def _socket(self, server: MailServer) -> socket.socket:
        """Connect to one of the server's addresses, all of which were checked."""
        addresses = await checked(server.host, server.port, self.allowed, self.resolver, _CONNECT_LIMIT)
        for address in addresses[:MOST_TRIED]:
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - a version
            made = socket.socket(family, socket.SOCK_STREAM)
            made.setblocking(False)
            try:
                async with asyncio.timeout(_CONNECT_LIMIT / len(addresses[:MOST_TRIED])):
                    await asyncio.get_running_loop().sock_connect(made, (str(address), server.port))
            except OSError:
                made.close()
            else:
                return made
        raise Refused(UNREACHABLE)


def _failure(error: Exception, *, begun: bool) -> OutboundFailure:
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return MAIL_LOGIN
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return _failure(first, begun=begun)
        case aiosmtplib.SMTPResponseException():
            return MAIL_REFUSED if error.code >= _FIRST_PERMANENT else MAIL_PUT_OFF
        case _ if begun:
            return TIMED_OUT if isinstance(error, TimeoutError) else BROKE_OFF
        case aiosmtplib.SMTPConnectError() | aiosmtplib.SMTPServerDisconnected() | OSError():
            return CERTIFICATE if isinstance(error.__cause__ or error, ssl.SSLError) else UNREACHABLE
    return MAIL_INSECURE
