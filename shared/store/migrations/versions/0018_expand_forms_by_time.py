"""Contact forms are listed, the newest first: expand."""

from alembic import op

revision = '0018_expand'
down_revision = '0017_expand'


def upgrade() -> None:
    op.create_index('form_submission_newest', 'form_submission', ['tenant_id', 'created_at', 'id'])
