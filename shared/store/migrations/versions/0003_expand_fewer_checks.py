"""Foreign keys of what every message writes, to the few rows that all of them share: expand."""

from alembic import op

revision = '0003_expand'
down_revision = '0002_expand'

_DROPPED = (
    ('message', 'tenant_id'), ('message', 'line_id'), ('turn', 'tenant_id'), ('tool_call', 'tenant_id'), ('reply', 'tenant_id'),
    ('part', 'tenant_id'), ('attempt', 'tenant_id'), ('status_event', 'tenant_id'),
)


def upgrade() -> None:
    for table, column in _DROPPED:
        op.drop_constraint(f'{table}_{column}_fkey', table, type_='foreignkey')
