"""The audit log is looked through for what was done to one thing, and for one kind of deed: expand."""

from alembic import op

revision = '0019_expand'
down_revision = '0018_expand'


def upgrade() -> None:
    for column in ('object', 'action'):
        op.create_index(f'audit_{column}', 'audit', [column, 'id'])
