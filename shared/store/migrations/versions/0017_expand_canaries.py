"""Which lines have a canary, and what became of it: expand."""

from alembic import op
import sqlalchemy as sa

revision = '0017_expand'
down_revision = '0016_expand'


def upgrade() -> None:
    op.add_column('line', sa.Column('canary', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    moment = sa.DateTime(timezone=True)
    op.create_table('canary',
    sa.Column('line_id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('since', moment, server_default=sa.text('now()'), nullable=False),
    sa.Column('ran_at', moment, nullable=True),
    sa.Column('answered_at', moment, nullable=True),
    sa.Column('stuck_at', sa.String(), nullable=True),
    sa.Column('seconds', sa.REAL(), nullable=True),
    sa.ForeignKeyConstraint(['line_id'], ['line.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('line_id')
    )
    op.execute('grant select, insert, update, delete on canary to trunkline_console')
    op.execute('alter table canary enable row level security')
    op.execute('create policy tenant_scope on canary to trunkline_console using (in_scope(tenant_id))')
    op.execute("""
        create policy platform_scope on canary to trunkline_console
        using (current_setting('trunkline.tenants', true) = '*')
    """)
