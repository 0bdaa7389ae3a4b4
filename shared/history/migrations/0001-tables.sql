-- Tables of the history. Rules that keep them fit for Citus: every unique key holds the column that the table is distributed by, no
-- foreign keys, no sequences (the writer makes all keys). What arrives twice or in another order gives the same rows.

-- A text of 36 characters in each row and index would cost 1 GB in 10 million rows.
create table history.clusters (
  id smallint primary key,
  name text not null unique
);

-- One row per notification (uid, n). Nothing is invented for an n that was not seen. Null: as the comment says, else absent.
create table history.events (
  at timestamptz not null,
  first_at timestamptz,             -- of occurrence 1; null: at
  version bigint,                   -- metadata.resourceVersion
  involved_version bigint,
  event_uid uuid not null,
  object_uid uuid not null,         -- version 8: derived, the Event has none
  n integer not null,
  uncertainty_ms integer not null,
  cluster smallint not null,
  failed boolean not null,          -- the rule says failure, else type Warning
  warning boolean not null,         -- type Warning
  merged boolean not null,
  namespace text not null,          -- of the object
  kind text not null,
  name text not null,
  reason text not null,
  message text not null,
  component text not null,
  rule text not null,
  api text not null,                -- apiVersion of the object
  instance text,
  container text,
  field_path text,                  -- null: of the container
  action text,
  event_name text not null,         -- begins with '.' where the name of the object comes before it
  event_namespace text,             -- null: namespace
  related jsonb,
  annotations jsonb,
  primary key (event_uid, n, cluster, at)
) partition by range (at);

create index events_at on history.events (at) include (failed, namespace, kind);
create index events_place on history.events (namespace, kind, at) include (failed);
create index events_object on history.events (object_uid, at);
create index events_failed on history.events (at) where failed;
create index events_failed_place on history.events (namespace, at) where failed;
create index events_message on history.events using gin (message gin_trgm_ops);

create table history.hours (
  at timestamptz not null,
  cluster smallint not null,
  ok integer not null,
  failed integer not null,
  namespace text not null,
  kind text not null,
  primary key (cluster, at, namespace, kind)
) with (fillfactor = 80);

create index hours_at on history.hours (at);

-- The latest state of each object. Two lives of one name differ in uid.
create table history.objects (
  first_at timestamptz not null,
  last_at timestamptz,              -- of its last Event; null: it has none
  created_at timestamptz,
  deleted_at timestamptz,
  stopped_at timestamptz,           -- a container was last stopped for good
  version bigint,                   -- of the last version that was fed
  uid uuid not null,
  last_id uuid,
  owner_uid uuid,
  last_n integer,
  events integer not null,
  failures integer not null,
  restarts integer not null,        -- that its Events tell of
  restart_count integer,            -- of the last version that was fed
  cluster smallint not null,
  last_failed boolean,
  ready boolean,
  kind text not null,
  namespace text not null,
  name text not null,
  api text not null,
  last_reason text,
  last_message text,
  phase text,
  node text,
  claims text[],
  primary key (cluster, kind, namespace, name, uid)
) with (fillfactor = 80);

create index objects_last on history.objects (last_at desc nulls last);
create index objects_place on history.objects (namespace, kind, last_at desc nulls last);
create index objects_name on history.objects (name text_pattern_ops);
create index objects_uid on history.objects (uid);
create index objects_owner on history.objects (owner_uid) where owner_uid is not null;
create index objects_node on history.objects (node) where node is not null;
create index objects_failing on history.objects (last_at desc) where last_failed;

-- Which spans tell of an Event. n = 0: a fold, which tells of all occurrences that no other span of its trace tells of.
create table history.event_spans (
  at timestamptz not null,
  event_uid uuid not null,
  trace_id uuid not null,
  span_id bigint not null,
  n integer not null,
  cluster smallint not null,
  primary key (event_uid, n, cluster, trace_id, span_id, at)
) partition by range (at);

create index event_spans_trace on history.event_spans (trace_id, span_id);

create table history.spans (
  start timestamptz not null,
  "end" timestamptz not null,
  span_id bigint not null,
  parent_id bigint,                 -- null: the root
  trace_id uuid not null,
  object_uid uuid,
  cluster smallint not null,
  failed boolean not null,
  service text not null,
  name text not null,
  title text not null,
  kind text not null,
  namespace text not null,
  object text not null,
  phase text,
  reporter text,
  rule text,
  evidence text,
  status_message text,
  attributes jsonb not null,        -- those that are no columns
  told jsonb,                       -- span events
  links jsonb,
  primary key (trace_id, span_id, start)
) partition by range (start);

create index spans_object on history.spans (object_uid, start) where object_uid is not null;
create index spans_phase on history.spans (phase, start) where phase is not null;

-- What the root span says, and what all spans that have come add up to.
create table history.traces (
  start timestamptz not null,
  "end" timestamptz not null,
  edited_at timestamptz,
  trace_id uuid not null primary key,
  root_uid uuid,
  spans integer not null,
  failures integer not null,        -- failed spans
  events integer,                   -- null: the root span is not here yet
  cluster smallint not null,
  kind text not null,
  namespace text not null,
  name text not null,
  outcome text not null,            -- the worst
  change text,
  title text,
  actor text,
  cause text,
  trouble text
) with (fillfactor = 90);

create index traces_end on history.traces ("end" desc, trace_id desc);
create index traces_failed on history.traces ("end" desc, trace_id desc) where outcome in ('failed', 'failing');
create index traces_workload on history.traces (namespace, kind, name, change, "end" desc);
create index traces_root on history.traces (root_uid, "end" desc) where root_uid is not null;
create index traces_text on history.traces using gin (title gin_trgm_ops, cause gin_trgm_ops);

-- Which traces the spans of a trace link to.
create table history.trace_links (
  trace_id uuid not null,
  linked uuid not null,
  primary key (trace_id, linked)
);

create index trace_links_linked on history.trace_links (linked);

-- How long each phase of a trace took: what a later change of the same workload is held against.
create table history.phases (
  trace_id uuid not null,
  longest_us bigint not null,
  total_us bigint not null,
  spans integer not null,
  phase text not null,
  primary key (trace_id, phase)
);

-- What each connection of a writer has committed: the sum changes with the history.
create table history.writers (
  id text primary key,
  batches bigint not null,
  at timestamptz not null
);
