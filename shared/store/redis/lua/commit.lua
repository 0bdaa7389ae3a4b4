#!lua flags=allow-oom
-- Commits one decision in one step: observations out, state in, segments into the outbox.
-- KEYS due, leases, fences, undecided, state, incoming, outbox, outbox-due, outbox-since
-- ARGV domain, fence, clock (ms), visibility timeout (ms), state, ttl of the state (ms; '' for no expiry), next due (event time; '' for
--   none), number of decided observations, max in the outbox, pause of the domain when the outbox is full (ms), number of taken ids, then
--   the taken ids, then for each segment id, body
-- Returns 1 committed, 0 stale, -1 the outbox is full; then nothing was changed but the lease
local due, leases, fences, undecided, state_key, incoming = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local outbox, outbox_due, outbox_since = KEYS[7], KEYS[8], KEYS[9]
local domain, fence, clock, timeout, state, ttl, next_due = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local decided, max, pause, taken = ARGV[8], tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11])
local first_taken, first_segment = 12, 12 + taken

if redis.call('HGET', fences, domain) ~= fence then
  return 0
end
redis.call('HDEL', fences, domain)
-- A decision is never divided: an outbox with any room takes all of it, or one with many segments could never be committed.
if first_segment <= #ARGV and redis.call('HLEN', outbox) >= max then
  redis.call('ZADD', leases, clock + pause, domain)
  return -1
end
redis.call('ZREM', leases, domain)
for i = first_taken, first_segment - 1 do
  redis.call('HDEL', incoming, ARGV[i])
end
if state == '' then
  redis.call('DEL', state_key)
elseif ttl == '' then
  redis.call('SET', state_key, state)
else
  redis.call('SET', state_key, state, 'PX', ttl)
end
redis.call('DECRBY', undecided, decided)
for i = first_segment, #ARGV, 2 do
  local id, body = ARGV[i], ARGV[i + 1]
  if redis.call('HSETNX', outbox, id, body) == 1 then
    redis.call('ZADD', outbox_due, clock + timeout, id)
    redis.call('ZADD', outbox_since, clock, id)
  end
end
if next_due ~= '' then
  redis.call('ZADD', due, 'LT', next_due, domain)
end
return 1
