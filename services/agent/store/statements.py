"""The SQL that reads turns: what a model is told of one, and what was said before it."""

_READ = """
select asked.id, asked.seq, asked.sealed_text, asked.sealed_media, asked.sealed_contents, asked.trace, asked.received_at, opened.id as turn, opened.attempts,
       opened.conversation, agent.id as agent, agent.name as agent_name, agent.instructions, agent.model, agent.memory,
       agent.fallback_model, agent.remembers, agent.memory_tokens, agent.message_tokens, agent.conversation_tokens,
       opened.pipeline, opened.pipeline_version,
       (select document from pipeline_version where pipeline_id = opened.pipeline and number = opened.pipeline_version),
       handed_off_at is not null as is_handed_off, tenant.daily_tokens, conversation.sealed_summary, conversation.summary_seq, coalesce(conversation.silent_until > now(), false) as silent,
       (select started_at > now() - interval '10 minutes' from turn as earlier where earlier.thread = %(thread)s
        order by from_seq desc offset %(fewest)s limit 1) as busy,
       line.channel, line.provider, tenant.name as tenant, app_user.email, now() as now, conversation.contact_id, conversation.user_id,
       exists (select 1 from action where action.tenant_id = conversation.tenant_id and action.enabled) as has_actions,
       exists (select 1 from mcp_server where mcp_server.tenant_id = conversation.tenant_id and mcp_server.enabled) as has_servers,
       exists (select from knowledge_document where agent_id = agent.id and generation > 0) as documents,
       exists (select from data_source where tenant_id = tenant.id and kind = 'product' and items > 0) as products,
       exists (select from data_source where tenant_id = tenant.id and kind = 'listing' and items > 0) as listings,
       exists (
         select from data_source where tenant_id = tenant.id and kind = 'order' and (items > 0 or origin in ('woocommerce', 'endpoint'))
       ) as orders
from asked cross join opened
join conversation on conversation.id = opened.conversation
join agent on agent.id = conversation.agent_id
join line on line.id = %(line)s
join tenant on tenant.id = conversation.tenant_id
left join app_user on app_user.id = conversation.user_id
order by asked.seq
"""
"""What the model is told of a turn: a row for each message asked."""

OPEN_TURN = f"""
with asked as (
  select id, seq, conversation_id, sealed_text, sealed_media, sealed_contents, trace, received_at from message
  where thread = %(thread)s and seq > %(done_seq)s and seq <= %(asked_seq)s and outcome = 'asked'
),
selected as (
  select pipeline.id as pipeline, active_version from conversation join agent on agent.id = conversation.agent_id
  join pipeline on pipeline.id = agent.pipeline_id
  where conversation.id = (select conversation_id from asked order by seq desc limit 1) and active_version is not null
),
opened as (
  insert into turn (id, tenant_id, thread, conversation_id, from_seq, upto_seq, pipeline, pipeline_version)
  select %(turn)s, %(tenant)s, %(thread)s, (select conversation_id from asked order by seq desc limit 1), min(seq), %(asked_seq)s,
         coalesce((select pipeline from selected), %(default)s), coalesce((select active_version from selected), %(newest)s)
  from asked having count(*) > 0
  on conflict (thread, from_seq) do update set upto_seq = excluded.upto_seq, finished_at = null,
      attempts = case when turn.upto_seq = excluded.upto_seq then turn.attempts + 1 else 1 end,
      pipeline = coalesce(turn.pipeline, excluded.pipeline),
      pipeline_version = coalesce(turn.pipeline_version, excluded.pipeline_version)
  returning id, attempts, (select conversation_id from asked order by seq desc limit 1) as conversation, pipeline, pipeline_version
)
{_READ}
"""  # noqa: S608 - constants
"""
Opens a turn, or finds it again after a crash, and reads it.

A turn keeps the version of the pipeline that it began with, whoever goes on with it.
"""

STORED_TURN = f"""
with opened as (
  select id, attempts, conversation_id as conversation, thread, from_seq, upto_seq,
         coalesce(pipeline, %(default)s) as pipeline, coalesce(pipeline_version, %(newest)s) as pipeline_version from turn
  where id = %(turn)s and finished_at is not null
),
asked as (
  select message.id, seq, sealed_text, sealed_media, sealed_contents, message.trace, received_at from message join opened on message.thread = opened.thread
  where seq between from_seq and upto_seq and outcome = 'asked'
)
{_READ}
"""  # noqa: S608 - constants
"""Reads a turn that has ended."""

ENDED = """
select turn.thread, line_id, from_seq, upto_seq from turn join conversation on conversation.id = conversation_id
where turn.id = %s and finished_at is not null
"""

SPOKEN = """
with opened as (
  select turn.conversation_id as conversation, from_seq,
         case when remembers = 'whole' and summary_seq < from_seq then summary_seq else 0 end as behind,
         case when remembers = 'whole' then %(most)s else memory end as most from turn
  join conversation on conversation.id = turn.conversation_id join agent on agent.id = conversation.agent_id
  where turn.thread = %(thread)s and from_seq > %(done_seq)s order by from_seq limit 1
)
select * from (
  select 'user' as role, id::text as ref, seq, 0 as side, id::text as place, sealed_text as sealed, sealed_contents, 0::bigint as rank
  from message, opened
  where conversation_id = conversation and seq > behind and seq < from_seq and outcome in ('asked', 'handed_off')
    and sealed_text is not null
  union all
  select 'assistant', id::text, after_seq, 1, public_id, sealed_body, null, id
  from reply, opened
  where conversation_id = conversation and (turn_id is not null or kind = 'human') and after_seq > behind and after_seq < from_seq
    and sealed_body is not null
) spoken order by seq desc, side desc, rank desc limit (select most from opened)
"""
"""
The last messages of the conversation, either side's, before the turn that was just opened; the newest first.

Ours are the agent's and those of a colleague who had taken the conversation over, with what was written to them meanwhile.
"""

EXCHANGES = """
select latest.message, message.sealed_text, extract(epoch from message.received_at - answered.created_at)::float8 as waited
from (
  select from_seq, (select id from message where thread = turn.thread and seq = from_seq and outcome = 'asked' limit 1) as message
  from turn where thread = %(thread)s and conversation_id = %(conversation)s order by from_seq desc limit %(most)s
) as latest
join message on message.id = latest.message
left join lateral (
  select created_at from reply where thread = %(thread)s and after_seq < latest.from_seq and turn_id is not null
  order by after_seq desc limit 1
) as answered on true
order by latest.from_seq
"""
"""The first message of each of the latest turns, and how long after our last answer it came."""

KEEP_SUMMARY = """
update conversation set sealed_summary = %(sealed)s, summary_seq = %(seq)s
where id = %(conversation)s and summary_seq < %(seq)s
"""

MEDIA_LOGIN = "select * from media_credential where line_id = %s"
KEEP_CONTENTS = "update message set sealed_contents = %(sealed)s where id = %(message)s and sealed_text is not null"
