"""Pipelines and their versions, what of them a turn ran, conversations that a person took over, lines to try agents out on: expand."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0013_expand'
down_revision = '0012_expand'

_SERVICES = 'trunkline_router, trunkline_agent, trunkline_egress, trunkline_console'


def upgrade() -> None:
    _tables()
    _columns()
    for table in ('pipeline', 'pipeline_version'):
        op.execute(f'alter table {table} enable row level security')
        op.execute(f'create policy tenant_scope on {table} to {_SERVICES} using (in_scope(tenant_id))')
        op.execute(f"""
            create policy platform_scope on {table} to trunkline_console
            using (current_setting('trunkline.tenants', true) = '*')
        """)
        op.execute(f'grant select on {table} to trunkline_agent')
    op.execute('grant select, insert, update, delete on pipeline to trunkline_console')
    op.execute('grant select, insert on pipeline_version to trunkline_console')  # a version is never changed
    op.execute('grant update (handed_off_at) on conversation to trunkline_agent')


def _tables() -> None:
    now = sa.text('now()')
    op.create_table('pipeline',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('draft', sa.String(), nullable=False),
    sa.Column('active_version', sa.Integer(), nullable=True),
    sa.Column('past', postgresql.ARRAY(sa.Integer()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('tenant_id', 'id', name='pipeline_tenant_id_key'),
    sa.UniqueConstraint('tenant_id', 'name', name='pipeline_tenant_name_key')
    )
    op.create_table('pipeline_version',
    sa.Column('pipeline_id', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('document', sa.String(), nullable=False),
    sa.Column('author', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['pipeline_id'], ['pipeline.id'], ),
    sa.PrimaryKeyConstraint('pipeline_id', 'number')
    )


def _columns() -> None:
    op.add_column('agent', sa.Column('pipeline_id', sa.String(), nullable=True))
    op.create_foreign_key('agent_pipeline_own', 'agent', 'pipeline', ['tenant_id', 'pipeline_id'], ['tenant_id', 'id'])
    op.create_index('agent_pipeline', 'agent', ['pipeline_id'], unique=False,
                    postgresql_where=sa.text('pipeline_id is not null'))
    for column in (
        sa.Column('pipeline', sa.String(), nullable=True),
        sa.Column('pipeline_version', sa.Integer(), nullable=True),
        sa.Column('trail', postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column('cost', sa.Numeric(), nullable=True),
    ):
        op.add_column('turn', column)
    op.add_column('conversation', sa.Column('handed_off_at', sa.DateTime(timezone=True), nullable=True))
    op.alter_column('line', 'credential_id', nullable=True)
