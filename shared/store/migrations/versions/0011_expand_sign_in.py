"""Sign-in to the console: passwords, second factors, sessions, setup tokens: expand."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0011_expand'
down_revision = '0010_expand'

_TABLES = ('user_sign_in', 'user_session', 'setup_token', 'refused_sign_in')


def upgrade() -> None:
    _tables()
    for table in _TABLES:
        op.execute(f'alter table {table} enable row level security')
        op.execute(f'create policy tenant_scope on {table} to trunkline_console using (in_scope(tenant_id))')
        op.execute(f"""
            create policy platform_scope on {table} to trunkline_console
            using (current_setting('trunkline.tenants', true) = '*')
        """)
        op.execute(f'grant select, insert, update, delete on {table} to trunkline_console')


def _tables() -> None:
    now = sa.text('now()')
    moment = sa.DateTime(timezone=True)
    op.create_table('user_sign_in',
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('password_hash', sa.String(), nullable=True),
    sa.Column('sealed_totp', sa.LargeBinary(), nullable=True),
    sa.Column('totp_at', moment, nullable=True),
    sa.Column('totp_step', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('recovery_codes', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('changed_at', moment, server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('user_id')
    )
    op.create_table('user_session',
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('created_at', moment, server_default=now, nullable=False),
    sa.Column('seen_at', moment, server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('digest')
    )
    op.create_index(op.f('ix_user_session_user_id'), 'user_session', ['user_id'], unique=False)
    op.create_table('setup_token',
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('expires_at', moment, nullable=False),
    sa.Column('created_at', moment, server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('digest')
    )
    op.create_index(op.f('ix_setup_token_user_id'), 'setup_token', ['user_id'], unique=False)
    op.create_table('refused_sign_in',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=True),
    sa.Column('failures', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('last_at', moment, server_default=now, nullable=False),
    sa.PrimaryKeyConstraint('key')
    )
