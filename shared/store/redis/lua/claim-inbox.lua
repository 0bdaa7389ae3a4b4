#!lua flags=allow-oom
-- The due part of the inbox for the one worker that holds the lease; false when another holds it.
-- KEYS inbox, inbox-due, inbox-lease. ARGV token, now, lease (ms), most.
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[1] then
  return false
end
local ids = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[2], 'LIMIT', 0, ARGV[4])
if #ids == 0 then
  return {}
end
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[3])
local items = {}
for _, id in ipairs(ids) do
  items[#items + 1] = id
  items[#items + 1] = redis.call('HGET', KEYS[1], id) or ''
end
return items
