"""
The console's policies are worked out once in a statement, no longer for every row of it (ADR 34); the audit log is looked
through for what was done to one thing: expand.
"""

from alembic import op
import sqlalchemy as sa

revision = '0019_expand'
down_revision = '0018_expand'

_LEFT = """
select tablename, roles::text[] from pg_policies
where schemaname = current_schema and policyname = 'tenant_scope' and 'trunkline_console' = any(roles) order by tablename
"""


def upgrade() -> None:
    # Each table for itself: whoever held all of them at once would wait for everybody. What was done stays done in the next try.
    with op.get_context().autocommit_block():
        for table, roles in op.get_bind().execute(sa.text(_LEFT)).all():
            _split(table, [role for role in roles if role != 'trunkline_console'])
        op.create_index('audit_object', 'audit', ['object', 'id'], if_not_exists=True)


def _split(table: str, others: list[str]) -> None:
    """Give the console one policy of its own in place of two. The other services keep theirs."""
    own = 'id' if table == 'tenant' else 'tenant_id'
    rest = f"alter policy tenant_scope on {table} to {', '.join(others)}" if others else f'drop policy tenant_scope on {table}'
    op.execute(f"""
        alter policy platform_scope on {table} using (
          {own} = any ((select string_to_array(current_setting('trunkline.tenants', true), ','))::text[])
          or (select current_setting('trunkline.tenants', true) = '*')
        );
        alter policy platform_scope on {table} rename to console_scope;
        {rest}
    """)
