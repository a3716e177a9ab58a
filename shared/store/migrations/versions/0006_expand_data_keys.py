"""
Data keys, one or more for each tenant, seen as all rows are; by egress also those of whose accounts it sends with: expand.
"""

from alembic import op
import sqlalchemy as sa

revision = '0006_expand'
down_revision = '0005_expand'

_SERVICES = 'trunkline_router, trunkline_agent, trunkline_egress, trunkline_console'


def upgrade() -> None:
    op.create_table('data_key',
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('key_id', sa.Integer(), nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'number')
    )
    op.execute('alter table data_key enable row level security')
    op.execute(f'create policy tenant_scope on data_key to {_SERVICES} using (in_scope(tenant_id))')
    op.execute("""
        create policy platform_scope on data_key to trunkline_console
        using (current_setting('trunkline.tenants', true) = '*')
    """)
    op.execute("""
        create policy used_by_scope on data_key for select to trunkline_egress
        using (exists (select 1 from credential where credential.tenant_id = data_key.tenant_id))
    """)
    op.execute(f'grant select, insert on data_key to {_SERVICES}')
    op.execute('grant update (key_id, wrapped), delete on data_key to trunkline_console')
