"""What a click-to-WhatsApp advertisement tells of itself, in the webhook of the first message."""

import pytest

from shared.channels.ports import Referral
from shared.channels.whatsapp_twilio.inbound import WhatsAppTwilioInbound

AD = {
    "ReferralSourceType": "ad", "ReferralSourceId": "120211", "ReferralHeadline": "Spring sale",
    "ReferralSourceUrl": "https://fb.me/x", "ReferralBody": "All bicycles", "ReferralNumMedia": "0", "ReferralCtwaClid": "clid",
}  # fmt: skip


def referral(**fields: str) -> Referral | None:
    form = {
        "MessageSid": "SM" + "b" * 32, "AccountSid": "AC" + "a" * 32, "From": "whatsapp:+15550001",
        "To": "whatsapp:+14155238886", "Body": "hello", "NumMedia": "0", **fields,
    }  # fmt: skip
    return WhatsAppTwilioInbound("https://example.org/webhooks/twilio").message([*form.items()]).referral


def test_an_advertisement_is_named_as_twilio_names_it() -> None:
    """
    Kind, id, headline and address; the click's own id is left out: it is about the person.
    """
    assert referral(**AD) == Referral("ad", "120211", "Spring sale", "https://fb.me/x")


def test_an_ordinary_message_came_by_nothing() -> None:
    """
    Though Twilio says that it brings no media of an advertisement.
    """
    assert referral() is referral(ReferralNumMedia="0") is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
def test_what_is_no_web_address_is_no_link(url: str) -> None:
    """
    It is shown to admins.
    """
    assert referral(**AD | {"ReferralSourceUrl": url}) == Referral("ad", "120211", "Spring sale", "")
