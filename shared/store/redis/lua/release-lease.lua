#!lua flags=allow-oom
-- Ends a lease, if the holder still has it.
-- KEYS name
-- ARGV holder
-- Returns 1 when it was, else 0
local name = KEYS[1]
local holder = ARGV[1]

if redis.call('GET', name) == holder then
  return redis.call('DEL', name)
end
return 0
