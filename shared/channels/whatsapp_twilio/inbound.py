"""
Twilio's webhooks for WhatsApp: forms, signatures, messages and status callbacks.

The signature joins names and values without delimiters, so a captured request can be cut into other fields and still
verify. Every field that decides something therefore has an exact pattern, may come only once, and has no stand-in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import parse_qsl

from shared.addresses import PERSON
from shared.channels.ports import InboundMessage, InvalidForm, MediaReference, Referral, StatusReport, Webhook
from shared.channels.whatsapp_twilio import signature
from shared.channels.whatsapp_twilio.media_urls import is_of_message
from shared.directory import SigningSecret
from shared.ids import AccountSid, Address, AttemptId, ProviderSid

_MOST_FIELDS = 200
_MOST_TEXT = 8_192
"""Characters kept of a text: well beyond the longest that is answered, and small enough to store."""
_MOST_NAME = 256
_MOST_PARAMS = 32 * 1024
"""Bytes kept of the other fields. Real messages bring about one kilobyte."""

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}", re.ASCII)
_MESSAGE_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "MessageSid": re.compile(r"[SM]M[0-9a-f]{32}", re.ASCII),
    "AccountSid": _ACCOUNT,
    "From": PERSON,
    "To": PERSON,
    "NumMedia": re.compile(r"[0-9]|10", re.ASCII),
}
_REPORT_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "MessageSid": _MESSAGE_PATTERNS["MessageSid"],
    "AccountSid": _ACCOUNT,
    "From": PERSON,
    "MessageStatus": re.compile(r"[a-z_]{2,32}", re.ASCII),
}
_OPTIONAL_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "ApiVersion": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII),
    "ErrorCode": re.compile(r"[0-9]{0,6}", re.ASCII),
}
_SINGLE = frozenset(
    (
        *_MESSAGE_PATTERNS, *_REPORT_PATTERNS, *_OPTIONAL_PATTERNS,
        "Body", "ButtonPayload", "ButtonText", "ChannelMetadata", "ExternalUserId", "Latitude", "Longitude", "MessageType",
        "MessagingServiceSid", "NumSegments", "ProfileName", "SmsMessageSid", "SmsSid", "SmsStatus", "WaId",
    )
)  # fmt: skip
_OWN_FIELDS = frozenset((*_MESSAGE_PATTERNS, "Body", "ProfileName"))
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)
_WA_ID = re.compile(r"[1-9][0-9]{6,14}", re.ASCII)
_ATTEMPT = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_WEB = re.compile(r"https?://", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

Form = Sequence[tuple[str, str]]


class WhatsAppTwilioInbound:
    """The channel's receiver. Signatures are computed over `webhook_url`, whatever address a request says it came to."""

    def __init__(self, webhook_url: str) -> None:
        self._addresses = signature.addresses(webhook_url)

    def form(self, body: bytes) -> Form:
        """Decode a form as Twilio signs it: blanks kept, nothing trimmed. Raises `InvalidForm`."""
        try:
            return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise InvalidForm from None  # its text would quote the form

    def account(self, form: Form) -> AccountSid | None:
        """Return the account that the form claims to come from."""
        named = [value for name, value in form if name == "AccountSid"]
        return AccountSid(named[0]) if len(named) == 1 and _ACCOUNT.fullmatch(named[0]) else None

    def genuine(self, webhook: Webhook, form: Form, secrets: Sequence[SigningSecret]) -> bool:
        """Tell whether one of the accepted secrets signed this form post."""
        claim = signature.claimed(webhook.headers)
        if claim is None:
            return False
        fields = signature.form_text(form)
        return signature.signed((url + fields for url in self._urls(webhook)), claim, secrets)

    def is_report(self, form: Form) -> bool:
        """Tell whether this is a status callback; messages have no MessageStatus."""
        return any(name == "MessageStatus" for name, _ in form)

    def message(self, form: Form) -> InboundMessage:
        """Read a message. Raises `InvalidForm`."""
        fields = _fields(form, _MESSAGE_PATTERNS)
        sender = Address(fields["From"])
        return InboundMessage(
            provider_sid=ProviderSid(fields["MessageSid"]),
            sender=sender,
            to=Address(fields["To"]),
            user_id=_user_id(fields, sender),
            phone=_phone(fields, sender),
            profile_name=_clean(fields.get("ProfileName", ""))[:_MOST_NAME],
            text=_clean(fields.get("Body", ""))[:_MOST_TEXT],
            num_media=int(fields["NumMedia"]),
            params=MappingProxyType(dict(_others(fields))),
            service=_service(fields),
            media=tuple(_media(fields)),
            referral=_referral(fields),
        )

    def report(self, webhook: Webhook, form: Form) -> StatusReport:
        """Read a status callback. Raises `InvalidForm`."""
        fields = _fields(form, _REPORT_PATTERNS)
        return StatusReport(
            provider_sid=ProviderSid(fields["MessageSid"]),
            sender=Address(fields["From"]),
            attempt=_attempt(webhook.query),
            status=fields["MessageStatus"],
            error_code=int(fields.get("ErrorCode") or 0) or None,
            service=_service(fields),
        )

    def _urls(self, webhook: Webhook) -> Iterator[str]:
        query = f"?{webhook.query}" if webhook.query else ""
        for address in self._addresses:
            yield address + webhook.suffix + query


def listed_message(*, sid: str, sender: str, to: str, text: str, num_media: str) -> InboundMessage | None:
    """Return a message as Twilio lists it: without name, user id and buttons. None for what no webhook could bring."""
    fields = {"MessageSid": sid, "From": sender, "To": to, "NumMedia": num_media}
    if any(not _MESSAGE_PATTERNS[name].fullmatch(value) for name, value in fields.items()):
        return None
    address = Address(sender)
    return InboundMessage(
        provider_sid=ProviderSid(sid),
        sender=address,
        to=Address(to),
        user_id=_user_id({}, address),
        phone=_phone({}, address),
        profile_name="",
        text=_clean(text)[:_MOST_TEXT],
        num_media=int(num_media),
        params=MappingProxyType({}),
    )


def _fields(form: Form, required: Mapping[str, re.Pattern[str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in form:
        if name in fields and name in _SINGLE:
            raise InvalidForm
        fields.setdefault(name, value)
    wrong = any(name not in fields or not pattern.fullmatch(fields[name]) for name, pattern in required.items())
    odd = any(name in fields and not pattern.fullmatch(fields[name]) for name, pattern in _OPTIONAL_PATTERNS.items())
    if wrong or odd:
        raise InvalidForm
    return fields


def _media(fields: Mapping[str, str]) -> Iterator[MediaReference]:
    """Yield what came with a message, as far as its address is that of this very message's media."""
    of = (fields["AccountSid"], fields["MessageSid"])
    for number in range(int(fields["NumMedia"])):
        url = fields.get(f"MediaUrl{number}", "")
        if is_of_message(url, *of):
            yield MediaReference(url, _clean(fields.get(f"MediaContentType{number}", ""))[:_MOST_NAME])


def _referral(fields: Mapping[str, str]) -> Referral | None:
    """Return the click-to-WhatsApp advertisement or post; ordinary messages name none."""
    kind, of, headline, url = (
        _clean(fields.get(f"Referral{name}", ""))[:_MOST_NAME]
        for name in ("SourceType", "SourceId", "Headline", "SourceUrl")
    )
    if not (of or url):
        return None
    return Referral(kind, of, headline, url if _WEB.match(url) else "")


def _service(fields: Mapping[str, str]) -> str:
    """Return the messaging service; one of another form is none of ours."""
    named = fields.get("MessagingServiceSid", "")
    return named if _SERVICE.fullmatch(named) else ""


def _user_id(fields: Mapping[str, str], sender: Address) -> Address | None:
    """Return the business-scoped user id: steadier than a number, and all there is for people who show none."""
    for candidate in (fields.get("ExternalUserId", ""), sender):
        if PERSON.fullmatch(candidate) and "+" not in candidate:
            return Address(candidate)
    return None


def _phone(fields: Mapping[str, str], sender: Address) -> Address | None:
    if "+" in sender:
        return sender
    digits = fields.get("WaId", "")
    return Address(f"whatsapp:+{digits}") if _WA_ID.fullmatch(digits) else None


def _others(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what has no place of its own, as much as a stored message may carry."""
    room = _MOST_PARAMS
    for name, value in fields.items():
        if name in _OWN_FIELDS:
            continue
        room -= len(name.encode()) + len(value.encode())
        if room < 0:
            return
        yield _clean(name), _clean(value)


def _clean(text: str) -> str:
    """Drop what no database and no model should meet: NUL, controls but line breaks and tabs, lone surrogates."""
    return _CONTROLS.sub("", text)


def _attempt(query: str) -> AttemptId | None:
    """Return our own attempt id, which the signed query carries. Raises `InvalidForm` for anything but one good id."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise InvalidForm from None  # its text would quote the form
    named = [value for name, value in pairs if name == "attempt"]
    if not named:
        return None
    if len(named) > 1 or not _ATTEMPT.fullmatch(named[0]):
        raise InvalidForm
    return AttemptId(named[0])
