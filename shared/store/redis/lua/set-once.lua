#!lua flags=allow-oom
-- Sets a value under a name that has none.
-- KEYS name
-- ARGV value, ttl (ms; '' for no expiry)
-- Returns the value that was set first
local name = KEYS[1]
local value, ttl = ARGV[1], ARGV[2]

local first = redis.call('GET', name)
if first then
  return first
end
if ttl == '' then
  redis.call('SET', name, value)
else
  redis.call('SET', name, value, 'PX', ttl)
end
return value
