"""What Twilio answers to account work, as far as it is read."""

from collections.abc import Mapping

from shared.channels.line_setup import Webhooks
from shared.channels.ports import Credentials
from shared.ids import Address
from tests.conformance.conftest import CREDENTIALS
from tests.conformance.provider import answer

ACCOUNT = f"/2010-04-01/Accounts/{CREDENTIALS.account_sid}"
KEY = Credentials(CREDENTIALS.account_sid, "k" * 32, "SK" + "9" * 32)
SENDER, NUMBER = Address("whatsapp:+15005550010"), Address("+15005550010")
XE, PN = "XE" + "1" * 32, "PN" + "1" * 32
WANTED = Webhooks("https://a.example/in#rc=5", "https://b.example/in#rc=5", "https://a.example/in/status")
THEIR_TOKEN = "deadbeef" * 4
NAME = "Ann's shop"


def account_document(**changes: object) -> dict[str, object]:
    told = {"sid": CREDENTIALS.account_sid, "friendly_name": NAME, "status": "active", "auth_token": THEIR_TOKEN}
    return told | changes


OK = answer(200, account_document())
SENDERS: Mapping[str, object] = {
    "senders": [
        {"sid": XE, "sender_id": SENDER, "status": "ONLINE", "webhook": {"callback_url": "https://old.example/"}}
    ],
    "meta": {"next_page_url": None},
}
NUMBERS: Mapping[str, object] = {
    "incoming_phone_numbers": [{"sid": PN, "account_sid": CREDENTIALS.account_sid, "phone_number": NUMBER}],
    "next_page_uri": None,
}
