#!lua flags=allow-oom
-- Adds routed observations to their domains, each once. KEYS due, held, then incoming:<domain> for each.
-- ARGV most, then domain, id, due, body for each.
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[1]) then
  return 0
end
local added = 0
for i = 3, #KEYS do
  local at = 2 + (i - 3) * 4
  added = added + redis.call('HSETNX', KEYS[i], ARGV[at + 1], ARGV[at + 3])
  redis.call('ZADD', KEYS[1], 'LT', ARGV[at + 2], ARGV[at])
end
redis.call('INCRBY', KEYS[2], added)
return 1
