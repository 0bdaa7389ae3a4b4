#!lua flags=allow-oom
-- Adds members to the index: of the same member the lower score stays, of too many members the highest scores stay.
-- KEYS for each entry index:<key>
-- ARGV ttl (ms), max members of a key, then for each entry score, member
-- Returns 1
local ttl, max = ARGV[1], tonumber(ARGV[2])

for i = 1, #KEYS do
  local key = KEYS[i]
  local at = 3 + (i - 1) * 2
  local score, member = ARGV[at], ARGV[at + 1]
  redis.call('ZADD', key, 'LT', score, member)
  redis.call('ZREMRANGEBYRANK', key, 0, -max - 1)
  redis.call('PEXPIRE', key, ttl)
end
return 1
