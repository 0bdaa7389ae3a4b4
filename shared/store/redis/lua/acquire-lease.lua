#!lua flags=allow-oom
-- Gives or prolongs a lease by name.
-- KEYS name
-- ARGV holder, ms
-- Returns 1 for the holder, 0 when another one has it
local name = KEYS[1]
local holder, ms = ARGV[1], ARGV[2]

local current = redis.call('GET', name)
if current and current ~= holder then
  return 0
end
redis.call('SET', name, holder, 'PX', ms)
return 1
