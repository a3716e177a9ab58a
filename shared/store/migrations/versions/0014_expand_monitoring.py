"""What monitoring reads: counts by minute and hour, the busiest people of each hour, and how far both have come;
the console may see which migrations have run: expand."""

from alembic import op
import sqlalchemy as sa

revision = '0014_expand'
down_revision = '0013_expand'

_SCOPED = ('traffic', 'traffic_contact')


def upgrade() -> None:
    _tables()
    for table in _SCOPED:
        op.execute(f'alter table {table} enable row level security')
        op.execute(f'create policy tenant_scope on {table} to trunkline_console using (in_scope(tenant_id))')
        op.execute(f"""
            create policy platform_scope on {table} to trunkline_console
            using (current_setting('trunkline.tenants', true) = '*')
        """)
    for table in (*_SCOPED, 'rollup_place'):
        op.execute(f'grant select, insert, update, delete on {table} to trunkline_console')
    op.execute('grant select on alembic_version to trunkline_console')


def _tables() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table('traffic',
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('grain', sa.String(), nullable=False),
    sa.Column('at', moment, nullable=False),
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('count', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'grain', 'at', 'what')
    )
    op.create_index('traffic_unsettled', 'traffic', ['tenant_id', 'at'], unique=False,
                    postgresql_where=sa.text("what = 'unsettled'"))
    op.create_table('traffic_contact',
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('hour', moment, nullable=False),
    sa.Column('contact_id', sa.String(), nullable=False),
    sa.Column('messages', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'hour', 'contact_id')
    )
    op.create_index(op.f('ix_traffic_contact_contact_id'), 'traffic_contact', ['contact_id'], unique=False)
    op.create_table('rollup_place',
    sa.Column('feed', sa.String(), nullable=False),
    sa.Column('place', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('feed')
    )
