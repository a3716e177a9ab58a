"""Knowledge: documents, their passages and how they are searched; the sources of a tool's result: expand."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0009_expand'
down_revision = '0008_expand'

# pg_trgm finds what is misspelt, vector compares embeddings: search goes on without them, and says so. btree_gin lets the index
# on words answer for one agent.
_EXTENSIONS = ('btree_gin', 'pg_trgm', 'vector')

# These run with their owner's rights: under row-level security an index cannot answer `@@` and `<%`, since these operators are
# not leakproof. They keep to the tenants of the transaction themselves.
_PASSAGES = """
    select chunk.id, chunk.tenant_id, chunk.agent_id, chunk.document_id, document.name, document.language, chunk.heading, chunk.page,
           chunk.content, chunk.search, chunk.embedding, document.embedded_with
    from knowledge_chunk chunk
    join knowledge_document document on document.id = chunk.document_id and document.generation = chunk.generation
    where in_scope(chunk.tenant_id)
"""
_VOCABULARY = 'select tenant_id, agent_id, document_id, word from knowledge_word where in_scope(tenant_id)'
_SERVICES = 'trunkline_router, trunkline_agent, trunkline_egress, trunkline_console'


def upgrade() -> None:
    for extension in _EXTENSIONS:
        op.execute(f"""
            do $$ begin
              create extension if not exists {extension};
            exception when insufficient_privilege or feature_not_supported or undefined_file then
              raise notice 'knowledge is searched without %: it could not be created', '{extension}';
            end $$
        """)
    op.add_column('tool_call', sa.Column('sealed_sources', sa.LargeBinary(), nullable=True))
    _tables()
    for table in ('knowledge_document', 'knowledge_chunk', 'knowledge_word'):
        op.execute(f'alter table {table} enable row level security')
        op.execute(f'create policy tenant_scope on {table} to {_SERVICES} using (in_scope(tenant_id))')
        op.execute(f"""
            create policy platform_scope on {table} to trunkline_console
            using (current_setting('trunkline.tenants', true) = '*')
        """)
        op.execute(f'grant select, insert, update, delete on {table} to trunkline_console')
    for view, query in (('knowledge_passage', _PASSAGES), ('knowledge_vocabulary', _VOCABULARY)):
        op.execute(f'create view {view} as {query}')
        op.execute(f'grant select on {view} to trunkline_agent, trunkline_console')
    op.execute("""
        grant select (id, tenant_id, agent_id, name, language, generation, passages, embedded_with) on knowledge_document
        to trunkline_agent
    """)


def _tables() -> None:
    now = sa.text('now()')
    op.create_table('knowledge_document',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('agent_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('media_type', sa.String(), server_default=sa.text("''"), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sealed_content', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.String(), server_default=sa.text("'queued'"), nullable=False),
    sa.Column('failure', sa.String(), nullable=True),
    sa.Column('generation', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('building', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('owner', sa.BigInteger(), nullable=True),
    sa.Column('passages', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('embedded_with', sa.String(), nullable=True),
    sa.Column('queued_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.Column('indexed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=now, nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenant.id'], ),
    sa.ForeignKeyConstraint(['tenant_id', 'agent_id'], ['agent.tenant_id', 'agent.id'], name='knowledge_document_agent_own'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('agent_id', 'name', name='knowledge_document_agent_name_key')
    )
    op.execute('alter table knowledge_document alter sealed_content set storage external')  # ciphertext cannot be compressed
    op.create_index('knowledge_document_to_do', 'knowledge_document', ['queued_at'], unique=False,
                    postgresql_where=sa.text("state in ('queued', 'indexing')"))
    op.create_table('knowledge_chunk',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('agent_id', sa.String(), nullable=False),
    sa.Column('document_id', sa.String(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('heading', sa.String(), server_default=sa.text("''"), nullable=False),
    sa.Column('page', sa.Integer(), nullable=True),
    sa.Column('content', sa.String(), nullable=False),
    sa.Column('search', postgresql.TSVECTOR(), nullable=False),
    sa.Column('embedding', postgresql.ARRAY(sa.REAL()), nullable=True),
    sa.ForeignKeyConstraint(['document_id'], ['knowledge_document.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('document_id', 'generation', 'ordinal', name='knowledge_chunk_place_key')
    )
    op.create_index('knowledge_chunk_agent', 'knowledge_chunk', ['agent_id'], unique=False)
    op.create_index('knowledge_chunk_search', 'knowledge_chunk', ['search'], unique=False, postgresql_using='gin')
    op.create_table('knowledge_word',
    sa.Column('document_id', sa.String(), nullable=False),
    sa.Column('word', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('agent_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['knowledge_document.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('document_id', 'word')
    )
    op.execute("""
        do $$ begin
          if (select count(*) from pg_extension where extname in ('btree_gin', 'pg_trgm')) = 2 then
            create index knowledge_word_alike on knowledge_word using gin (agent_id, word gin_trgm_ops);
          end if;
        end $$
    """)
