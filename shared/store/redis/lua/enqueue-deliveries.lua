#!lua
-- Adds items to a delivery queue, each once.
-- KEYS bodies, due, since
-- ARGV max, due at (ms), then for each item id, body
-- Returns 1, or 0 when the queue is full: then nothing was added
local bodies, due, since = KEYS[1], KEYS[2], KEYS[3]
local max, due_at = tonumber(ARGV[1]), ARGV[2]

if redis.call('HLEN', bodies) + (#ARGV - 2) / 2 > max then
  return 0
end
for i = 3, #ARGV, 2 do
  local id, body = ARGV[i], ARGV[i + 1]
  if redis.call('HSETNX', bodies, id, body) == 1 then
    redis.call('ZADD', due, due_at, id)
    redis.call('ZADD', since, due_at, id)
  end
end
return 1
