"""The platform's first tenant, account, agent, line and user, from the environment. Idempotent; run at start."""

from dataclasses import dataclass

from services.console.settings import ConsoleSettings
from shared.ids import TenantId
from shared.store.sealed import CREDENTIAL_SECRET
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.vault import Vault

TENANT = "tn_default"
USER_EMAIL = "admin@localhost"

_CREDENTIAL = "cr_default"
_AGENT = "ag_default"
_LINE = "ln_default"
_USER = "us_default"
_INSTRUCTIONS = (
    "You are the assistant of {sys.tenant}. Answer in the language of the person, truthfully and to the point. "
    "If you do not know, say so, and offer to pass a message on."
)


@dataclass(frozen=True)
class Seed:
    """Writes the default rows."""

    store: Store
    vault: Vault

    async def plant(self, settings: ConsoleSettings) -> None:
        """Make or update what the environment describes; what it does not describe is left as it is."""
        async with self.store.transaction(EVERY_TENANT, TenantId(TENANT)) as connection:
            await _rows(connection)
            await self._credential(connection, settings)
            await connection.execute(
                """
                insert into line (id, tenant_id, agent_id, credential_id, channel, provider, sender, enabled, access, quiet_ms)
                values (%s, %s, %s, %s, 'whatsapp', 'twilio', %s, true, %s, %s)
                on conflict (id) do update
                    set sender = excluded.sender, access = excluded.access, quiet_ms = excluded.quiet_ms
                """,
                (
                    _LINE,
                    TENANT,
                    _AGENT,
                    _CREDENTIAL,
                    settings.default_from,
                    settings.default_access,
                    settings.default_quiet_ms,
                ),
            )

    async def _credential(self, connection: Connection, settings: ConsoleSettings) -> None:
        secret = settings.auth_token.get_secret_value().strip()
        await connection.execute(
            """
            insert into credential (id, tenant_id, account_sid, sealed_secret) values (%s, %s, %s, %s)
            on conflict (id) do update set account_sid = excluded.account_sid, sealed_secret = excluded.sealed_secret
            """,
            (
                _CREDENTIAL,
                TENANT,
                settings.account_sid,
                self.vault.seal(secret.encode(), CREDENTIAL_SECRET.at(TENANT, _CREDENTIAL)),
            ),
        )


async def _rows(connection: Connection) -> None:
    await connection.execute(
        "insert into tenant (id, name) values (%s, 'Trunkline') on conflict (id) do nothing", (TENANT,)
    )
    await connection.execute(
        "insert into app_user (id, tenant_id, email, role) values (%s, %s, %s, 'SYSTEM_ADMIN') on conflict (id) do nothing",
        (_USER, TENANT, USER_EMAIL),
    )
    await connection.execute(
        "insert into agent (id, tenant_id, name, instructions) values (%s, %s, 'Assistant', %s) on conflict (id) do nothing",
        (_AGENT, TENANT, _INSTRUCTIONS),
    )
