"""What tenants sell and what was ordered, where it comes from; MCP servers: expand."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0010_expand'
down_revision = '0009_expand'

_SERVICES = 'trunkline_router, trunkline_agent, trunkline_egress, trunkline_console'

# As the knowledge's views: an index does not answer `@@` and `%` under row-level security, so these keep to the scope themselves.
_VIEWS = {
    'catalogue_shelf': 'select * from catalogue_item where in_scope(tenant_id)',
    'catalogue_vocabulary': 'select * from catalogue_word where in_scope(tenant_id)',
}


def upgrade() -> None:
    _sources()
    _items()
    _orders()
    _servers()
    for table in ('data_source', 'catalogue_item', 'catalogue_word', 'customer_order', 'mcp_server'):
        op.execute(f'alter table {table} enable row level security')
        op.execute(f'create policy tenant_scope on {table} to {_SERVICES} using (in_scope(tenant_id))')
        op.execute(f"""
            create policy platform_scope on {table} to trunkline_console
            using (current_setting('trunkline.tenants', true) = '*')
        """)
        op.execute(f'grant select, insert, update, delete on {table} to trunkline_console')
    for view, query in _VIEWS.items():
        op.execute(f'create view {view} as {query}')
        op.execute(f'grant select on {view} to trunkline_agent, trunkline_console')
    op.execute('grant select on data_source, customer_order, mcp_server to trunkline_agent')
    # whose order it is comes from the session: the contact's keys and sealed address
    op.execute('grant select on contact, contact_alias, binding to trunkline_agent')


def _sources() -> None:
    now = sa.text('now()')
    op.create_table('data_source',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('origin', sa.String(), nullable=False),
    sa.Column('url', sa.String(), nullable=True),
    sa.Column('currency', sa.String(), nullable=True),
    sa.Column('country', sa.String(), nullable=True),
    sa.Column('language', sa.String(), server_default=sa.text("'simple'"), nullable=False),
    sa.Column('results', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('every_minutes', sa.Integer(), nullable=True),
    sa.Column('secret_names', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('sealed_secrets', sa.LargeBinary(), nullable=True),
    sa.Column('items', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('attribute_names', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('imported_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tried_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.String(), nullable=True),
    sa.Column('faults', postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('tenant_id', 'kind', name='data_source_tenant_kind_key')
    )
    op.create_index('data_source_due', 'data_source', ['next_at'], unique=False, postgresql_where=sa.text('next_at is not null'))


def _items() -> None:
    op.create_table('catalogue_item',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('source_id', sa.String(), nullable=False),
    sa.Column('ref', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('description', sa.String(), server_default=sa.text("''"), nullable=False),
    sa.Column('price', sa.Numeric(), nullable=True),
    sa.Column('currency', sa.String(), nullable=True),
    sa.Column('available', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('url', sa.String(), nullable=True),
    sa.Column('attributes', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('facets', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('numbers', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('search', postgresql.TSVECTOR(), nullable=False),
    sa.ForeignKeyConstraint(['source_id'], ['data_source.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('source_id', 'ref', name='catalogue_item_source_ref_key')
    )
    op.create_index('catalogue_item_search', 'catalogue_item', ['search'], unique=False, postgresql_using='gin')
    op.create_table('catalogue_word',
    sa.Column('source_id', sa.String(), nullable=False),
    sa.Column('word', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['source_id'], ['data_source.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('source_id', 'word')
    )
    op.execute("""
        do $$ begin
          if (select count(*) from pg_extension where extname in ('btree_gin', 'pg_trgm')) = 2 then
            create index catalogue_word_alike on catalogue_word using gin (source_id, word gin_trgm_ops);
          end if;
        end $$
    """)


def _orders() -> None:
    op.create_table('customer_order',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('source_id', sa.String(), nullable=False),
    sa.Column('number', sa.String(), nullable=False),
    sa.Column('customer_keys', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('pepper_version', sa.Integer(), nullable=False),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sealed_body', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['source_id'], ['data_source.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('source_id', 'number', name='customer_order_source_number_key')
    )
    op.create_index('customer_order_tenant', 'customer_order', ['tenant_id', 'created_at'], unique=False)


def _servers() -> None:
    op.create_table('mcp_server',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('url', sa.String(), nullable=False),
    sa.Column('tools', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('secret_names', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('sealed_headers', sa.LargeBinary(), nullable=True),
    sa.Column('enabled', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('tenant_id', 'name', name='mcp_server_tenant_name_key')
    )
