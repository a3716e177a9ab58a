"""Data keys, one or more for each tenant: expand."""

from alembic import op
import sqlalchemy as sa

revision = '0004_expand'
down_revision = '0003_expand'


def upgrade() -> None:
    op.create_table('data_key',
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('key_id', sa.Integer(), nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'number')
    )
