#!lua flags=allow-oom
-- What is to be sent now, nobody else's for a while. KEYS bodies, due, tries. ARGV clock (ms), hold (ms), most.
local items = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  redis.call('ZADD', KEYS[2], tonumber(ARGV[1]) + tonumber(ARGV[2]), id)
  items[#items + 1] = id
  items[#items + 1] = redis.call('HGET', KEYS[1], id) or ''
  items[#items + 1] = redis.call('HINCRBY', KEYS[3], id, 1)
end
return items
