#!lua flags=allow-oom
-- Removes items of a delivery queue.
-- KEYS bodies, due, tries, since
-- ARGV ids
-- Returns 1
local bodies, due, tries, since = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

for _, id in ipairs(ARGV) do
  redis.call('HDEL', bodies, id)
  redis.call('ZREM', due, id)
  redis.call('HDEL', tries, id)
  redis.call('ZREM', since, id)
end
return 1
