#!lua flags=allow-oom
-- One decision in one step: observations out, state in, segments into the outbox. 1 committed, 0 stale, -1 the outbox is full.
-- KEYS due, leases, fences, held, state, incoming, outbox, outbox-due, outbox-since.
-- ARGV domain, fence, clock (ms), hold (ms), state, keep for (ms, '' for good), due ('' none), decided, most in outbox, rest (ms: how long
-- nobody gets the domain when the outbox was full), number of taken ids, the ids, then id, body of each segment.
local domain = ARGV[1]
if redis.call('HGET', KEYS[3], domain) ~= ARGV[2] then
  return 0
end
local taken = tonumber(ARGV[11])
local segments = (#ARGV - 11 - taken) / 2
redis.call('HDEL', KEYS[3], domain)
-- One that is not full takes all of a decision: else one with more segments than it has room for could never be committed.
if segments > 0 and redis.call('HLEN', KEYS[7]) >= tonumber(ARGV[9]) then
  redis.call('ZADD', KEYS[2], tonumber(ARGV[3]) + tonumber(ARGV[10]), domain)
  return -1
end
redis.call('ZREM', KEYS[2], domain)
for i = 12, 11 + taken do
  redis.call('HDEL', KEYS[6], ARGV[i])
end
if ARGV[5] == '' then
  redis.call('DEL', KEYS[5])
elseif ARGV[6] == '' then
  redis.call('SET', KEYS[5], ARGV[5])
else
  redis.call('SET', KEYS[5], ARGV[5], 'PX', ARGV[6])
end
redis.call('DECRBY', KEYS[4], ARGV[8])
for i = 12 + taken, #ARGV, 2 do
  if redis.call('HSETNX', KEYS[7], ARGV[i], ARGV[i + 1]) == 1 then
    redis.call('ZADD', KEYS[8], tonumber(ARGV[3]) + tonumber(ARGV[4]), ARGV[i])
    redis.call('ZADD', KEYS[9], ARGV[3], ARGV[i])
  end
end
if ARGV[7] ~= '' then
  redis.call('ZADD', KEYS[1], 'LT', ARGV[7], domain)
end
return 1
