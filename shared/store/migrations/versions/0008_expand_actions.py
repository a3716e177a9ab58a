"""Webhook actions, the attempts at their side effects, and where contact forms are sent: expand."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0008_expand'
down_revision = '0007_expand'

_SERVICES = 'trunkline_router, trunkline_agent, trunkline_egress, trunkline_console'


def upgrade() -> None:
    _actions()
    _forms()
    for table in ('action', 'tool_attempt', 'form_delivery'):
        op.execute(f'alter table {table} enable row level security')
        op.execute(f'create policy tenant_scope on {table} to {_SERVICES} using (in_scope(tenant_id))')
        op.execute(f"""
            create policy platform_scope on {table} to trunkline_console
            using (current_setting('trunkline.tenants', true) = '*')
        """)
        op.execute(f'grant select, insert, update, delete on {table} to trunkline_console')
    op.execute('grant select on action, form_delivery, tool_attempt to trunkline_agent')
    op.execute('grant insert, update (sealed_result, ended_at) on tool_attempt to trunkline_agent')
    op.execute('grant update (state, tries, next_at, failure, sent_at) on form_submission to trunkline_agent')
    op.execute('create view form_schedule as select tenant_id, id, next_at from form_submission where next_at is not null')
    op.execute('grant select on form_schedule to trunkline_agent')


def _actions() -> None:
    now = sa.text('now()')
    op.create_table('action',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('description', sa.String(), nullable=False),
    sa.Column('parameters', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('method', sa.String(), nullable=False),
    sa.Column('url', sa.String(), nullable=False),
    sa.Column('headers', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('secret_names', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('sealed_headers', sa.LargeBinary(), nullable=True),
    sa.Column('results', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('side_effect', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('idempotent', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('enabled', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('tenant_id', 'name', name='action_tenant_name_key')
    )
    op.create_table('tool_attempt',
    sa.Column('turn_id', sa.String(), nullable=False),
    sa.Column('call', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('sealed_result', sa.LargeBinary(), nullable=True),
    sa.Column('begun_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['turn_id'], ['turn.id'], ),
    sa.PrimaryKeyConstraint('turn_id', 'call')
    )


def _forms() -> None:
    op.create_table('form_delivery',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('options', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('secret_names', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('sealed_secrets', sa.LargeBinary(), nullable=True),
    sa.Column('enabled', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('form_delivery_one', 'form_delivery', ['tenant_id'], unique=True, postgresql_where=sa.text('enabled'))
    for column in (
        sa.Column('state', sa.String(), server_default=sa.text("'kept'"), nullable=False),
        sa.Column('tries', sa.Integer(), server_default=sa.text('0'), nullable=False),
        sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('failure', sa.String(), nullable=True),
        sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column('form_submission', column)
    op.create_index('form_submission_due', 'form_submission', ['next_at'], unique=False,
                    postgresql_where=sa.text('next_at is not null'))
