"""A mail server on loopback, which takes what it is told to take."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class FakeMailServer:
    """
    Speaks SMTP. `answers`: by a command's first word, in place of the usual answer; an empty one hangs up without a word.

    `mails`: what was handed in, and to whom. `users`: who logged in, with which password. `plain`: commands before TLS.
    """

    tls: ssl.SSLContext
    implicit: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    users: list[tuple[str, str]] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = self.implicit
        try:
            writer.write(b"220 mail.example.org\r\n")
            while line := (await reader.readline()).decode().strip():
                word = line.split()[0].upper()
                if not secure:
                    self.plain.append(word)
                answer = self.answers.get(word, self._answer(word, line, secure=secure))
                if not answer:
                    return
                writer.write(f"{answer}\r\n".encode())
                await writer.drain()
                if word == "STARTTLS" and answer.startswith("220"):
                    await writer.start_tls(self.tls)
                    secure = True
                if word == "DATA" and answer.startswith("354"):
                    self.mails.append(await _mail(reader))
                    end = self.answers.get("END", "250 taken")
                    if not end:
                        return
                    writer.write(f"{end}\r\n".encode())
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, word: str, line: str, *, secure: bool) -> str:
        match word:
            case "EHLO":
                return "250-mail.example.org\r\n" + ("250 AUTH PLAIN" if secure else "250 STARTTLS")
            case "STARTTLS":
                return "220 go on"
            case "AUTH":
                _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
                self.users.append((user, password))
                return "235 welcome"
            case "RCPT":
                self.recipients.append(line.partition(":")[2].strip("<>"))
            case "DATA":
                return "354 go on"
            case "QUIT":
                return "221 bye"
        return "250 fine"


async def _mail(reader: asyncio.StreamReader) -> EmailMessage:
    raw = (await reader.readuntil(b"\r\n.\r\n"))[:-5]
    return message_from_bytes(raw.replace(b"\r\n..", b"\r\n."), policy=policy.default)


@asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext, *, implicit: bool = False, answers: Mapping[str, str] = {}
) -> AsyncIterator[FakeMailServer]:
    """Serve on loopback for the length of the block."""
    mail = FakeMailServer(tls, implicit, answers)
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0, ssl=tls if implicit else None)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()
