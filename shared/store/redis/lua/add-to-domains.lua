#!lua flags=allow-oom
-- Adds routed observations to their domains, each once.
-- KEYS due, undecided, then for each entry incoming:<domain>
-- ARGV max undecided, then for each entry domain, id, due (event time), body
-- Returns 1, or 0 when too much is undecided: then nothing was added
local due, undecided = KEYS[1], KEYS[2]
local max = tonumber(ARGV[1])

if tonumber(redis.call('GET', undecided) or '0') >= max then
  return 0
end
local added = 0
for i = 3, #KEYS do
  local incoming = KEYS[i]
  local at = 2 + (i - 3) * 4
  local domain, id, due_at, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  added = added + redis.call('HSETNX', incoming, id, body)
  redis.call('ZADD', due, 'LT', due_at, domain)
end
redis.call('INCRBY', undecided, added)
return 1
