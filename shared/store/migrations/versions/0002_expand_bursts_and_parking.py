"""Bursts, the quiet window, parked replies, settled dead letters, runs of jobs: expand."""

from alembic import op
import sqlalchemy as sa

revision = '0002_expand'
down_revision = '0001_expand'


def upgrade() -> None:
    op.create_table('job_run',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.add_column('dead_letter', sa.Column('state', sa.String(), server_default=sa.text("'waiting'"), nullable=False))
    op.add_column('dead_letter', sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('dead_letter', sa.Column('settled_note', sa.String(), nullable=True))
    op.create_index('dead_letter_newest', 'dead_letter', ['tenant_id', 'created_at'], unique=False)
    op.create_index('dead_letter_waiting', 'dead_letter', ['stage', 'payload'], unique=True,
                    postgresql_where=sa.text("state = 'waiting'"))
    op.add_column('line', sa.Column('quiet_ms', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('thread', sa.Column('burst_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('thread', sa.Column('parked_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('part_open', 'part', ['thread'], unique=False,
                    postgresql_where=sa.text("state in ('parked', 'queued', 'sending', 'unknown')"))
