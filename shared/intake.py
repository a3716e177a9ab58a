"""How a person's message becomes the event in INBOUND: the same for a webhook and for what gap-fill finds."""

from dataclasses import asdict
from datetime import datetime

from shared.channels.ports import InboundMessage
from shared.events import InboundContent, InboundMedia, InboundReceived, InboundReferral
from shared.ids import AccountSid, LineId, ProviderSid, TenantId, new_id
from shared.vault import Vault


def message_id(account: AccountSid, sid: ProviderSid) -> str:
    """Return the id under which JetStream knows a message again."""
    return f"{account}:{sid}"


def inbound_event(
    vault: Vault,
    message: InboundMessage,
    *,
    tenant: TenantId,
    line: LineId,
    channel: str,
    account: AccountSid,
    received_at: datetime,
    reconciled: bool = False,
) -> InboundReceived:
    """Return the event, its personal part sealed."""
    content = InboundContent(
        sender=message.sender,
        user_id=message.user_id,
        phone=message.phone,
        profile_name=message.profile_name,
        text=message.text,
        params=dict(message.params),
        media=tuple(InboundMedia(url=it.url, media_type=it.media_type) for it in message.media),
        referral=InboundReferral(**asdict(message.referral)) if message.referral else None,
    )
    bare = InboundReceived(
        tenant=tenant,
        event_id=new_id("in"),
        line=line,
        channel=channel,
        account_sid=account,
        provider_sid=message.provider_sid,
        to=message.to,
        num_media=message.num_media,
        received_at=received_at,
        sealed="",
        reconciled=reconciled,
    )
    return bare.model_copy(update={"sealed": vault.seal_text(content.model_dump_json(), bare.seal_context)})
