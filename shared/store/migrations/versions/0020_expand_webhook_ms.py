"""A message keeps what ingress took for its webhook: expand."""

from alembic import op
import sqlalchemy as sa

revision = '0020_expand'
down_revision = '0019_expand'


def upgrade() -> None:
    op.add_column('message', sa.Column('webhook_ms', sa.Integer(), nullable=True))
