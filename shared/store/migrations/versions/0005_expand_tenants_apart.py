"""The platform model; row-level security per tenant, a database role per service, and views of what they share: expand."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0005_expand'
down_revision = '0003_expand'

_SCOPED = (
    'app_user', 'credential', 'signing_secret', 'agent', 'line', 'pair_code', 'contact', 'contact_alias', 'binding', 'thread',
    'conversation', 'message', 'turn', 'tool_call', 'form_submission', 'reply', 'part', 'attempt', 'status_event', 'lead',
    'dead_letter', 'api_key', 'audit', 'idempotent_request',
)
_ROLES = ('router', 'agent', 'egress', 'console')

# What a service may do to which table. Columns of a shared row are named: each service writes its own.
_GRANTS = {
    'router': (
        'select on tenant, app_user, agent, line, pair_code, contact, contact_alias, binding, thread, conversation, message,'
        ' turn, reply, part, lead',
        'insert on contact, contact_alias, binding, thread, conversation, message, reply, lead, dead_letter',
        'update (used_at) on pair_code', 'delete on binding, contact, lead', 'update (contact_id) on binding',
        'update on contact, contact_alias, conversation, message, lead',
        'update (state, turn_id) on reply',
        'update (contact_id, host_contact_id, root, guests, last_seq, asked_seq, done_seq, hits, wrong_codes, noticed, opted_out_at, last_inbound_at,'
        ' last_provider_sid, failing_seq, failures, run_at, burst_at, send_at, parked_at, fence, owner) on thread',
    ),
    'agent': (
        'select on tenant, app_user, agent, line, thread, conversation, message, turn, tool_call, form_submission, reply',
        'insert on turn, tool_call, form_submission, reply, dead_letter', 'update on turn',
        'update (owner, fence, lease_until, done_seq, run_at, burst_at, send_at) on thread',
    ),
    'egress': (
        'select on line, credential, contact, thread, reply, part, attempt, status_event',
        'insert on part, attempt, status_event, dead_letter', 'update on part, attempt', 'update (state, thread) on reply',
        'update (out_owner, out_fence, out_until, send_at, parked_at, opted_out_at) on thread',
    ),
    'console': (
        'select, insert, update, delete on tenant, app_user, credential, signing_secret, agent, line, pair_code, contact,'
        ' contact_alias, binding, thread, conversation, message, turn, tool_call, form_submission, reply, part, attempt,'
        ' status_event, lead, dead_letter, api_key, idempotent_request, job_run',
        'select, insert on audit',
    ),
}

# Views run with their owner's rights: each shows, across tenants, only what a service must find before it knows the tenant.
_VIEWS = {
    'thread_schedule': (
        'select tenant_id, key, root, asked_seq, done_seq, run_at, owner, lease_until, send_at, out_owner, out_until from thread',
        ('agent', 'egress'),
    ),
    'binding_owner': ('select channel, address_key, contact_id, user_id, tenant_id from binding', ('router',)),
    'contact_thread': ('select contact_id, tenant_id from thread', ('router',)),
    'pair_code_owner': ('select digest, tenant_id from pair_code', ('router',)),
    'message_known': ('select account_sid, provider_sid, tenant_id from message', ('router',)),
    'contact_unaddressed': ('select id, tenant_id from contact where sealed_address is null', ('router',)),
    'part_known': (
        'select part.id as part, part.tenant_id, part.thread, part.provider_sid, attempt.id as attempt,'
        ' thread.tenant_id as line_tenant'
        ' from part join thread on thread.key = part.thread left join attempt on attempt.part_id = part.id',
        ('egress',),
    ),
}


def upgrade() -> None:
    _columns()
    _tables()
    _privacy_tables()
    for role in _ROLES:
        op.execute(f"""
            do $$ begin create role trunkline_{role} nologin; exception when duplicate_object or unique_violation then null; end $$
        """)
        op.execute(f'grant usage on schema public to trunkline_{role}')
        for grant in _GRANTS[role]:
            op.execute(f'grant {grant} to trunkline_{role}')
    _keep_apart()
    _privacy_rights()
    for view, (query, readers) in _VIEWS.items():
        op.execute(f'create view {view} as {query}')
        for reader in readers:
            op.execute(f'grant select on {view} to trunkline_{reader}')


def _keep_apart() -> None:
    op.execute("""
        create function in_scope(tenant text) returns boolean language sql stable as
        $$ select tenant = any (string_to_array(current_setting('trunkline.tenants', true), ',')) $$
    """)
    services = ', '.join(f'trunkline_{role}' for role in _ROLES)
    for table in (*_SCOPED, 'tenant'):
        own = 'id' if table == 'tenant' else 'tenant_id'
        op.execute(f'alter table {table} enable row level security')
        op.execute(f'create policy tenant_scope on {table} to {services} using (in_scope({own}))')
        op.execute(f"""
            create policy platform_scope on {table} to trunkline_console
            using (current_setting('trunkline.tenants', true) = '*')
        """)
    op.execute("""
        create policy used_by_scope on credential for select to trunkline_egress
        using (exists (select 1 from line where line.credential_id = credential.id and in_scope(line.tenant_id)))
    """)


def _columns() -> None:
    text, number, flag, moment = sa.String(), sa.Integer(), sa.Boolean(), sa.DateTime(timezone=True)
    for table, name, kind, default in (
        ('tenant', 'agent_id', text, None), ('tenant', 'privacy', text, "'hashed'"), ('tenant', 'history', flag, 'false'),
        ('tenant', 'retention_days', number, '90'), ('tenant', 'daily_messages', number, None),
        ('tenant', 'version', number, '1'),
        ('app_user', 'name', text, "''"), ('app_user', 'disabled_at', moment, None), ('app_user', 'version', number, '1'),
        ('credential', 'name', text, "''"), ('credential', 'key_sid', text, None),
        ('credential', 'sealed_key', sa.LargeBinary(), None), ('credential', 'set_at', moment, 'now()'),
        ('credential', 'set_by', text, "''"), ('credential', 'fingerprint', text, "''"),
        ('credential', 'version', number, '1'),
        ('agent', 'version', number, '1'),
        ('line', 'kind', text, "'dedicated'"), ('line', 'name', text, "''"), ('line', 'messaging_service_sid', text, None),
        ('line', 'long_replies', text, "'split'"), ('line', 'reply_limit', number, '1500'), ('line', 'media', flag, 'false'),
        ('line', 'auto_provision', flag, 'true'), ('line', 'provisioned', postgresql.JSONB(), "'{}'::jsonb"),
        ('line', 'provisioned_at', moment, None), ('line', 'version', number, '1'),
        ('thread', 'host_contact_id', text, None), ('thread', 'root', text, None),
        ('thread', 'guests', postgresql.ARRAY(sa.String()), "'{}'"),
    ):
        server_default = sa.text(default) if default else None
        op.add_column(table, sa.Column(name, kind, server_default=server_default, nullable=default is None))
    op.create_unique_constraint('agent_tenant_id_key', 'agent', ['tenant_id', 'id'])
    op.create_foreign_key('tenant_agent_own', 'tenant', 'agent', ['id', 'agent_id'], ['tenant_id', 'id'])
    op.create_foreign_key('line_agent_own', 'line', 'agent', ['tenant_id', 'agent_id'], ['tenant_id', 'id'])
    op.create_foreign_key('thread_host_contact_id_fkey', 'thread', 'contact', ['host_contact_id'], ['id'])
    op.create_foreign_key('thread_root_fkey', 'thread', 'thread', ['root'], ['key'])
    op.create_index('thread_root', 'thread', ['root'], postgresql_where=sa.text('root is not null'))
    op.create_index('thread_host_contact', 'thread', ['host_contact_id'], postgresql_where=sa.text('host_contact_id is not null'))
    op.alter_column('contact', 'sealed_address', nullable=True)
    # What the API's lists are read by.
    op.create_index('conversation_newest', 'conversation', ['tenant_id', 'opened_at', 'id'], unique=False)
    op.create_index('conversation_contact', 'conversation', ['contact_id', 'id'], unique=False)
    op.create_index('message_newest', 'message', ['tenant_id', 'received_at', 'id'], unique=False)
    op.create_index('reply_thread_seq', 'reply', ['thread', 'after_seq'], unique=False)
    op.create_index('part_newest', 'part', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_index('lead_newest', 'lead', ['tenant_id', 'first_seen', 'contact_id', 'agent_id'], unique=False)


def _tables() -> None:
    now = sa.text('now()')
    op.create_table('signing_secret',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('credential_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('key_id', sa.String(), server_default=sa.text("''"), nullable=False),
    sa.Column('sealed_secret', sa.LargeBinary(), nullable=False),
    sa.Column('fingerprint', sa.String(), server_default=sa.text("''"), nullable=False),
    sa.Column('not_after', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.ForeignKeyConstraint(['credential_id'], ['credential.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_signing_secret_credential_id', 'signing_secret', ['credential_id'], unique=False)
    op.create_table('api_key',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=True),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.String()), nullable=False),
    sa.Column('created_by', sa.String(), server_default=sa.text("''"), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('digest')
    )
    op.create_table('audit',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=True),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('object', sa.String(), nullable=False),
    sa.Column('before', postgresql.JSONB(), nullable=True),
    sa.Column('after', postgresql.JSONB(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('audit_newest', 'audit', ['tenant_id', 'id'], unique=False)
    op.create_table('idempotent_request',
    sa.Column('holder', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=True),
    sa.Column('fingerprint', sa.String(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('sealed_answer', sa.LargeBinary(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.PrimaryKeyConstraint('holder', 'key')
    )


_PRIVACY_TABLES = ('daily_messages', 'wrong_code', 'erasure')


def _privacy_tables() -> None:
    """What nobody needs any more becomes null; what is deleted is found by an index."""
    now, moment = sa.text('now()'), sa.DateTime(timezone=True)
    for table, column in (
        ('contact', 'sealed_name'), ('message', 'sealed_text'), ('message', 'thread'), ('tool_call', 'sealed_result'),
        ('reply', 'sealed_body'), ('part', 'sealed_body'),
    ):
        op.alter_column(table, column, nullable=True)
    op.add_column('thread', sa.Column('texts_from', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    for name, table, columns, where in (
        ('contact_addressed', 'contact', ['id'], 'sealed_address is not null'),
        ('message_nobodys', 'message', ['routed_at'], 'thread is null'),
        ('turn_conversation', 'turn', ['conversation_id'], None),
        ('form_submission_conversation', 'form_submission', ['conversation_id'], None),
        ('status_event_part', 'status_event', ['part_id'], None),
        ('lead_contact', 'lead', ['contact_id'], None),
        ('dead_letter_thread', 'dead_letter', ['thread'], None),
    ):
        op.create_index(name, table, columns, unique=False, postgresql_where=sa.text(where) if where else None)
    op.create_table('daily_messages',
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('slot', sa.Integer(), nullable=False),
    sa.Column('messages', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('tenant_id', 'day', 'slot')
    )
    op.create_table('wrong_code',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('at', moment, server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('wrong_code_newest', 'wrong_code', ['tenant_id', 'at'], unique=False)
    op.create_table('erasure',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('contact_id', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('provider_copies', sa.Boolean(), nullable=False),
    sa.Column('threads', postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('copies', postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('erased', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('created_at', moment, server_default=now, nullable=False),
    sa.Column('finished_at', moment, nullable=True),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('erasure_contact', 'erasure', ['contact_id'], unique=False)
    op.create_index('erasure_open', 'erasure', ['id'], unique=False, postgresql_where=sa.text('finished_at is null'))


def _privacy_rights() -> None:
    """As of every table; and the one way to delete from the audit log, which its append-only grants leave to its owner."""
    for table in _PRIVACY_TABLES:
        op.execute(f'grant select, insert, update, delete on {table} to trunkline_console')
        op.execute(f'alter table {table} enable row level security')
        op.execute(f'create policy tenant_scope on {table} to trunkline_router, trunkline_console using (in_scope(tenant_id))')
        op.execute(f"""
            create policy platform_scope on {table} to trunkline_console
            using (current_setting('trunkline.tenants', true) = '*')
        """)
    op.execute('grant select, insert, update on daily_messages to trunkline_router')
    op.execute('grant select, insert on wrong_code to trunkline_router')
    op.execute('grant select (tenant_id, contact_id, finished_at), update (contact_id) on erasure to trunkline_router')
    op.execute("""
        create function expire_audit(most integer) returns bigint language sql security definer set search_path = public as $$
          with oldest as (select id, at from audit order by id limit most),
          gone as (
            delete from audit using oldest
            where audit.id = oldest.id and oldest.at < now() - interval '400 days' returning 1
          )
          select count(*) from gone
        $$
    """)
    op.execute('revoke execute on function expire_audit from public')
    op.execute('grant execute on function expire_audit to trunkline_console')
