"""What is not in order at the provider, in languages other than English: a check itself says it in English, and in more detail."""

from collections.abc import Mapping
from typing import NamedTuple

from services.console.pages.navigation import _

_ALERTS = "alerts_recent_"


class Said(NamedTuple):
    """`text`: what is. `remedy`: what to do about it."""

    text: str
    remedy: str


_SET = _("Set it to the address that is shown here.")
_SAID: Mapping[str, Said] = {
    "webhook_missing": Said(_("No webhook is set: incoming messages are lost."), _SET),
    "webhook_elsewhere": Said(_("The webhook points somewhere else: incoming messages do not reach us."), _SET),
    "webhook_http": Said(_("The webhook's address does not begin as ours does."), _SET),
    "webhook_without_overrides": Said(
        _("The webhook lacks what stands behind #: Twilio does not repeat what failed."), _SET
    ),
    "webhook_method": Said(_("The webhook is called with a method that we do not take."), _("Set the method to POST.")),
    "fallback_missing": Said(_("No fallback is set: a message is lost when the webhook fails for good."), _SET),
    "fallback_elsewhere": Said(_("The fallback points somewhere else."), _SET),
    "status_callback_missing": Said(_("No status callback is set: what others send is not reported here."), _SET),
    "status_callback_elsewhere": Said(_("Status callbacks go somewhere else."), _SET),
    "messaging_service_overrides_inbound": Said(
        _("A Messaging Service takes incoming messages; the sender's own webhook is not called."),
        _("Let the service defer to the sender's webhook, or take the sender out of it."),
    ),
    "messaging_service_drops_inbound": Said(
        _("A Messaging Service drops incoming messages."),
        _("Let the service defer to the sender's webhook, or take the sender out of it."),
    ),
    "wrong_credentials": Said(
        _("Twilio does not accept these credentials."),
        _("Check Account SID and Auth Token. A token that was rotated at Twilio has to be stored here again."),
    ),
    "twilio_unreachable": Said(
        _("Twilio could not be reached, or gave no usable answer."), _("Try again in a moment.")
    ),
    "rate_limited": Said(
        _("Twilio refuses more requests for the moment."), _("Nothing was looked at. Try again in 30 seconds.")
    ),
    "twilio_refused": Said(_("Twilio refused a request."), _("Look the code up in Twilio's dictionary.")),
    "api_key_only": Said(
        _("These credentials are an API key: it can send, but not read the account nor verify webhooks."),
        _("Store the account's Auth Token, too."),
    ),
    "restricted_key": Said(
        _("The API key may not read everything that is looked at here."), _("Give it these permissions at Twilio.")
    ),
    "sender_missing": Said(
        _("The account has no such sender."),
        _("Check the number, and that these are the credentials of the account that owns it."),
    ),
    "sender_of_another_account": Said(
        _("The number belongs to a subaccount."), _("Use the subaccount's own Account SID and Auth Token.")
    ),
    "sandbox_number": Said(
        _("The number is Twilio's sandbox: shared, for people who have joined it, for three days."),
        _("Set its webhook on the sandbox page of Twilio's console. For production, register a sender."),
    ),
    "account_closed": Said(_("The Twilio account is closed."), _("Use another account.")),
    "account_suspended": Said(_("The Twilio account is suspended."), _("Settle what Twilio asks for in its console.")),
    "trial_account": Said(
        _("The account is a trial: it sends to verified numbers only, and few messages a day."),
        _("Upgrade the account at Twilio before production."),
    ),
    "clock_skew": Said(
        _("This server's clock and Twilio's differ."), _("Let the server's clock follow a time server.")
    ),
    "number_lacks_sms": Said(_("The number cannot send or receive SMS."), _("Use a number that can.")),
    "sender_pending_verification": Said(
        _("The sender's number is not verified yet."), _("Enter the code that Twilio sends to the number.")
    ),
    "sender_offline": Said(_("The sender is offline."), _("Resolve the reasons in Twilio's console.")),
    "sender_not_ready": Said(
        _("The sender is not in service."),
        _("Finish its registration in Twilio's console, or wait for Twilio's review."),
    ),
    "quality_low": Said(
        _("Meta rates the sender's quality as low: it may be limited or banned."),
        _("Write less, and only what people expect. Blocks and reports lower the rating."),
    ),
    "sms_application_overrides": Said(
        _("An application overrides the number's own addresses: messages go where it says."),
        _("Take the application from the number's configuration."),
    ),
    _ALERTS: Said(
        _("Webhooks of ours failed in the last hour."),
        _("Look at the alerts in Twilio's console: their code names the cause."),
    ),
}


def of(code: str) -> Said | None:
    """Return how a finding is put in the catalogues; None for one that only its check can put into words."""
    return _SAID.get(_ALERTS if code.startswith(_ALERTS) else code)
