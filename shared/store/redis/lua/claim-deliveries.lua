#!lua flags=allow-oom
-- Claims items of a delivery queue that are due; each is invisible to others for a while.
-- KEYS bodies, due, tries
-- ARGV clock (ms), visibility timeout (ms), max
-- Returns for each item id, body, number of this attempt
local bodies, due, tries = KEYS[1], KEYS[2], KEYS[3]
local clock, timeout, max = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

local items = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', clock, 'LIMIT', 0, max)) do
  redis.call('ZADD', due, clock + timeout, id)
  items[#items + 1] = id
  items[#items + 1] = redis.call('HGET', bodies, id) or ''
  items[#items + 1] = redis.call('HINCRBY', tries, id, 1)
end
return items
