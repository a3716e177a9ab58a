"""Budgets in tokens, fall-back models, whole memory with its summary, silence towards other services: expand."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0012_expand'
down_revision = '0011_expand'

_SERVICES = 'trunkline_router, trunkline_agent, trunkline_egress, trunkline_console'
_COLUMNS = {
    'tenant': (sa.Column('daily_tokens', sa.BigInteger(), nullable=True),),
    'agent': (
        sa.Column('fallback_model', sa.String(), nullable=True),
        sa.Column('remembers', sa.String(), server_default=sa.text("'last'"), nullable=False),
        sa.Column('memory_tokens', sa.Integer(), server_default=sa.text('8000'), nullable=False),
        sa.Column('message_tokens', sa.Integer(), nullable=True),
        sa.Column('conversation_tokens', sa.BigInteger(), nullable=True),
    ),
    'conversation': (
        sa.Column('sealed_summary', sa.LargeBinary(), nullable=True),
        sa.Column('summary_seq', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
        sa.Column('silent_until', sa.DateTime(timezone=True), nullable=True),
    ),
}


def upgrade() -> None:
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    op.create_index('turn_newest', 'turn', ['tenant_id', 'started_at', 'id'], unique=False)
    _tables()
    for table in ('token_account', 'token_hold'):
        op.execute(f'alter table {table} enable row level security')
        op.execute(f'create policy tenant_scope on {table} to {_SERVICES} using (in_scope(tenant_id))')
        op.execute(f"""
            create policy platform_scope on {table} to trunkline_console
            using (current_setting('trunkline.tenants', true) = '*')
        """)
        op.execute(f'grant select, insert, update, delete on {table} to trunkline_console')
    op.execute('grant select, insert, update (used, held, allowed, changed_at) on token_account to trunkline_agent')
    op.execute('grant select, insert, update, delete on token_hold to trunkline_agent')
    op.execute('grant update (sealed_summary, summary_seq, silent_until) on conversation to trunkline_agent')


def _tables() -> None:
    now = sa.text('now()')
    op.create_table('token_account',
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('used', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('held', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('allowed', sa.BigInteger(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'account')
    )
    op.create_index('token_account_changed', 'token_account', ['changed_at'], unique=False)
    op.create_table('token_hold',
    sa.Column('turn_id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('accounts', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('tokens', sa.BigInteger(), nullable=False),
    sa.Column('owner', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.PrimaryKeyConstraint('turn_id')
    )
    op.create_index('token_hold_tenant', 'token_hold', ['tenant_id'], unique=False)
