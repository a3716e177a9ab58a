"""Where what people send can be fetched, what was read in it, and the one credential that a turn fetches it with: expand."""

from alembic import op
import sqlalchemy as sa

revision = '0015_expand'
down_revision = '0014_expand'


def upgrade() -> None:
    op.add_column('message', sa.Column('sealed_media', sa.LargeBinary(), nullable=True))
    op.add_column('message', sa.Column('sealed_contents', sa.LargeBinary(), nullable=True))
    op.execute('grant update (sealed_contents) on message to trunkline_agent')
    # Not the table: of lines that take media alone, only in a turn of theirs, and no auth token where there is an API key.
    op.execute("""
        create view media_credential as
        select line.id as line_id, credential.id as credential, credential.tenant_id as holder, account_sid,
               case when key_sid is null or key_sid = '' then credential.sealed_secret end as sealed_secret, key_sid, sealed_key
        from line join credential on credential.id = line.credential_id
        where line.media and line.enabled and in_scope(line.tenant_id)
    """)
    op.execute('grant select on media_credential to trunkline_agent')
