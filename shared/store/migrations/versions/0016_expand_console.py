"""What led a lead here; and what the console's pages look for, by index: expand."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0016_expand'
down_revision = '0015_expand'


def upgrade() -> None:
    op.add_column('lead', sa.Column('source', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
