"""
An erasure follows a contact that proves to be another: the router may name the contact that stays. Expand.
"""

from alembic import op

revision = '0007_expand'
down_revision = '0006_expand'


def upgrade() -> None:
    op.execute('grant select (tenant_id, contact_id, finished_at), update (contact_id) on erasure to trunkline_router')
